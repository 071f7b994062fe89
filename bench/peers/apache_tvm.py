"""TVM's Relax, compiled ahead of time: with its default schedules, or tuned by MetaSchedule.

The default schedules of a CPU are plain loops.
"""
import os

LIBRARY = 'network.so'
TRIALS = 256            # in all, about a second each
TRIALS_A_KERNEL = 8


def files(task):
    return [task.own(LIBRARY)]


def prepare(task):
    import onnx
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx
    module = from_onnx(onnx.load(task.file('folded.onnx')), keep_params_in_input=False)
    found = tvm.target.Target.from_device(tvm.cpu())
    target = tvm.target.Target({'kind': 'llvm', 'mcpu': found.attrs['mcpu'],
                                'mtriple': found.attrs['mtriple'], 'num-cores': task.threads})
    with target:
        if task.option == 'tuned':
            module = relax.get_pipeline('static_shape_tuning', target=target, total_trials=TRIALS,
                                        max_trials_per_task=TRIALS_A_KERNEL,
                                        work_dir=task.own('tuning'))(module)
        tvm.compile(module, target=target).export_library(task.own(LIBRARY))


def start(task):
    os.environ['TVM_NUM_THREADS'] = str(task.threads)
    import tvm
    from tvm import relax
    machine = relax.VirtualMachine(tvm.runtime.load_module(task.own(LIBRARY)), tvm.cpu())
    inputs = [tvm.runtime.tensor(a) for a in task.arrays()]
    main = machine['main']

    def run():
        outputs = main(*inputs)
        return [o.numpy() for o in
                ([outputs] if isinstance(outputs, tvm.runtime.Tensor) else outputs)]
    return run
