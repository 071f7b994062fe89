"""MNN: the ONNX file converted by its tool, f32 ("high" precision)."""
import os
import subprocess
import sys

MODEL = 'network.mnn'


def files(task):
    return [task.own(MODEL)]


def prepare(task):
    tool = os.path.join(os.path.dirname(sys.executable), 'mnnconvert')
    subprocess.run([tool, '-f', 'ONNX', '--modelFile', task.file('network.onnx'),
                    '--MNNModel', task.own(MODEL), '--bizCode', 'bench'], check=True)


def start(task):
    import MNN
    runtime = MNN.nn.create_runtime_manager(
        ({'backend': 'CPU', 'numThread': task.threads, 'precision': 'high'},))
    net = MNN.nn.load_module_from_file(task.own(MODEL), list(task.inputs), list(task.outputs),
                                       runtime_manager=runtime)
    inputs = [MNN.expr.const(a, list(a.shape), MNN.expr.NCHW) if a.ndim == 4 else
              MNN.expr.const(a, list(a.shape), MNN.expr.NHWC) for a in task.arrays()]

    def run():
        outputs = net.forward(inputs)
        return [MNN.expr.convert(o, MNN.expr.NCHW).read() for o in outputs]
    return run
