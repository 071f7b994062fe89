"""IREE: compiled ahead of time for this CPU, at the highest level that it can compile."""
import os
import subprocess
import sys

MODULE = 'network.vmfb'


def files(task):
    return [task.own(MODULE)]


def prepare(task):
    folder = os.path.dirname(sys.executable)
    mlir = task.own('network.mlir')
    subprocess.run([os.path.join(folder, 'iree-import-onnx'), task.file('folded.onnx'), '-o', mlir],
                   check=True)
    for level in 'O3', 'O2', 'O1':
        done = subprocess.run([os.path.join(folder, 'iree-compile'), mlir, '-o', task.own(MODULE),
                               '--iree-hal-target-device=local',
                               '--iree-hal-local-target-device-backends=llvm-cpu',
                               '--iree-llvmcpu-target-cpu=host', '--iree-opt-level=' + level],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            break
        print(level, done.stderr[:10000], file=sys.stderr)
    os.remove(mlir)
    if done.returncode != 0:
        errors = [line for line in done.stderr.split('\n') if 'error: ' in line]
        raise RuntimeError('iree-compile: ' + (errors or ['failed'])[0].partition('error: ')[2])


def start(task):
    import iree.runtime as rt
    import numpy as np
    rt.flags.parse_flags('--task_topology_group_count=%d' % task.threads)
    config = rt.Config('local-task')
    loaded = rt.load_vm_module(rt.VmModule.mmap(config.vm_instance, task.own(MODULE)), config)
    main = loaded[next(n for n in loaded.vm_module.function_names
                       if '$' not in n and not n.startswith('__'))]
    inputs = [rt.asdevicearray(config.device, a) for a in task.arrays()]

    def run():
        outputs = main(*inputs)
        return [np.asarray(o) for o in (outputs if isinstance(outputs, tuple) else (outputs,))]
    return run
