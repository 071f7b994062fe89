"""PyTorch: eager, TorchInductor in three settings, and AOTInductor.

prepare() runs what compiles at run time once, so that start() finds its cache warm.
"""
PACKAGE = 'network.pt2'
INDUCTOR = {
    'inductor': {},
    'freezing': {'freezing': True},
    'max-autotune': {'freezing': True, 'max_autotune': True},
}


def files(task):
    return [task.own(PACKAGE)] if task.option == 'aot' else [task.file('weights.safetensors')]


def network(task):
    import torch
    import export
    torch.set_num_threads(task.threads)
    torch.set_grad_enabled(False)
    module, inputs = export.load(task.folder)
    return torch, module, inputs


def prepare(task):
    if task.option == 'aot':
        torch, module, inputs = network(task)
        from torch._inductor import aoti_compile_and_package
        aoti_compile_and_package(torch.export.export(module, tuple(inputs)),
                                 package_path=task.own(PACKAGE),
                                 inductor_configs={'freezing': True})
    elif task.option in INDUCTOR:
        start(task)()


def start(task):
    if task.option == 'aot':
        import torch
        torch.set_num_threads(task.threads)
        from torch._inductor import aoti_load_package
        run = aoti_load_package(task.own(PACKAGE))
        arrays = [torch.from_numpy(a) for a in task.arrays()]
        return lambda: run(*arrays)
    torch, module, inputs = network(task)
    if task.option == 'channels-last':
        module = module.to(memory_format=torch.channels_last)
        inputs = [i.contiguous(memory_format=torch.channels_last) if i.dim() == 4 else i
                  for i in inputs]
    elif task.option in INDUCTOR:
        module = torch.compile(module, options=INDUCTOR[task.option])
    return lambda: module(*inputs)
