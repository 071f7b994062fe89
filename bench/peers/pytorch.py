"""PyTorch: eager, TorchInductor in three settings, and AOTInductor; steps of training.

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


def training(task):
    """A step: losses, gradients, Adam as models/lgpn.c has it, in PyTorch's fastest form of it."""
    import export
    torch, module, inputs = network(task)
    torch.set_grad_enabled(True)
    losses = module
    if task.option == 'channels-last':
        module.to(memory_format=torch.channels_last)
        inputs[0] = inputs[0].contiguous(memory_format=torch.channels_last)
    elif task.option in INDUCTOR:
        losses = torch.compile(module, options=INDUCTOR[task.option])
    adam = torch.optim.Adam(module.parameters(), lr=export.LEARNING_RATE, weight_decay=1e-6,
                            fused=True)

    def step():
        adam.zero_grad(set_to_none=True)
        results = losses(*inputs)
        results[0].backward()
        adam.step()
        return [r.detach() for r in results]
    return step


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
    if task.function == 'train_step':
        return training(task)
    torch, module, inputs = network(task)
    if task.option == 'channels-last':
        module = module.to(memory_format=torch.channels_last)
        inputs = [i.contiguous(memory_format=torch.channels_last) if i.dim() == 4 else i
                  for i in inputs]
    elif task.option in INDUCTOR:
        module = torch.compile(module, options=INDUCTOR[task.option])
    return lambda: module(*inputs)
