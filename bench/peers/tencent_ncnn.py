"""ncnn: the ONNX file converted by pnnx; its converter leaves some ops out and says so."""
import os
import re
import shutil
import subprocess
import sys

MODEL = 'network.ncnn'


def files(task):
    return [task.own(MODEL + '.param'), task.own(MODEL + '.bin')]


def prepare(task):
    folder = task.own('pnnx')   # it writes a dozen files beside what it reads
    os.makedirs(folder)
    shutil.copy(task.file('network.onnx'), folder)
    shapes = ','.join('[%s]' % ','.join(map(str, a.shape)) for a in task.arrays())
    tool = os.path.join(os.path.dirname(sys.executable), 'pnnx')
    done = subprocess.run([tool, 'network.onnx', 'inputshape=' + shapes, 'fp16=0'], cwd=folder,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, file=sys.stderr)
    if any(a.ndim == 4 and a.shape[0] != 1 for a in task.arrays()):
        raise RuntimeError('ncnn has no batches')
    left_out = sorted(set(re.findall(r'^ignore (\S+)', done.stdout, re.M)))
    if left_out:
        raise RuntimeError('pnnx cannot convert ' + ', '.join(left_out))
    done.check_returncode()
    for end in '.param', '.bin':
        shutil.move(os.path.join(folder, MODEL + end), task.work)
    shutil.rmtree(folder)


def start(task):
    import ncnn
    import numpy as np
    inputs = task.arrays()
    net = ncnn.Net()
    net.opt.num_threads = task.threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(task.own(MODEL + '.param')) or net.load_model(task.own(MODEL + '.bin')):
        raise RuntimeError('ncnn cannot load what pnnx wrote')
    mats = [ncnn.Mat(a[0] if a.ndim == 4 else a).clone() for a in inputs]

    def run():
        extractor = net.create_extractor()
        for i, mat in enumerate(mats):
            extractor.input('in%d' % i, mat)
        # ncnn has no axis for the batch: it is put back
        return [np.array(extractor.extract('out%d' % i)[1])[None]
                for i in range(len(task.outputs))]
    return run
