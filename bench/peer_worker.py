#!/usr/bin/env python3
"""A contender of bench/compare.py: one peer, loaded once and run when told.

    peer_worker.py KIND FOLDER THREADS

FOLDER is what bench/export.py wrote. The protocol is that of bench/artifact_worker.c: "ready" when
the next run can begin; then for each line of input: `run` -> seconds, `write DIR` -> "done",
`memory` -> the most memory held, in KiB.
"""
import os
import resource
import sys
import time

import numpy as np

OUTPUTS = ('real_fake', 'node_logits', 'node_features', 'feature', 'mm1', 'mm2', 'cg1', 'cg2')


def load_inputs(folder):
    return {n: np.load(os.path.join(folder, 'nchw', n + '.npy')) for n in ('image', 'graph')}


def onnxruntime(folder, threads):
    """ONNX Runtime as it comes: all graph optimisations, its CPU kernels."""
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(os.path.join(folder, 'network.onnx'), options,
                                   providers=['CPUExecutionProvider'])
    inputs = load_inputs(folder)
    return lambda: session.run(OUTPUTS, inputs)


def openvino(folder, threads):
    """OpenVINO, tuned for the latency of one request, in f32 as all others."""
    import openvino as ov
    core = ov.Core()
    compiled = core.compile_model(os.path.join(folder, 'network.onnx'), 'CPU', {
        'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': threads,
        'INFERENCE_PRECISION_HINT': 'f32'})
    inputs = load_inputs(folder)
    request = compiled.create_infer_request()
    ports = [compiled.output(n) for n in OUTPUTS]

    def run():
        results = request.infer(inputs, share_inputs=True, share_outputs=True)
        return [results[p] for p in ports]
    return run


def torch_network(folder, threads):
    """The reference with the weights of the others; its sizes are read off them."""
    import torch
    import export
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    weights = export.lgpn_ref.load_safetensors(os.path.join(folder, 'weights.safetensors'))
    blocks = tuple(1 + max(int(name.split('.')[2]) for name in weights
                           if name.startswith('GTC.layer%d.' % stage)) for stage in (1, 2, 3, 4))
    cfg = export.lgpn_ref.Cfg(width=weights['GTC.conv1.weight'].shape[0], blocks=blocks,
                              feat=weights['GTC.fc.weight'].shape[0],
                              dim=weights['classifier.0.weight'].shape[0])
    model = export.lgpn_ref.LGPN(cfg)
    model.load_state_dict(weights)
    inputs = {n: torch.from_numpy(a) for n, a in load_inputs(folder).items()}
    return torch, export.Network(model).eval(), inputs


def torch_eager(folder, threads):
    _, model, inputs = torch_network(folder, threads)
    return lambda: model(inputs['image'], inputs['graph'])


def torch_channels_last(folder, threads):
    torch, model, inputs = torch_network(folder, threads)
    model = model.to(memory_format=torch.channels_last)
    image = inputs['image'].contiguous(memory_format=torch.channels_last)
    return lambda: model(image, inputs['graph'])


def torch_compile(folder, threads):
    """TorchInductor, which compiles in the first run."""
    torch, model, inputs = torch_network(folder, threads)
    model = torch.compile(model)
    return lambda: model(inputs['image'], inputs['graph'])


KINDS = {'onnxruntime': onnxruntime, 'openvino': openvino, 'torch': torch_eager,
         'torch-channels-last': torch_channels_last, 'torch-compile': torch_compile}


def main():
    kind, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    run = KINDS[kind](folder, threads)
    print('ready', flush=True)
    results = ()
    for line in sys.stdin:
        words = line.split()
        if words[0] == 'run':
            start = time.perf_counter()
            results = run()
            print('%.9f' % (time.perf_counter() - start), flush=True)
        elif words[0] == 'write':
            for name, value in zip(OUTPUTS, results):
                np.save(os.path.join(words[1], name + '.npy'), np.asarray(value))
            print('done', flush=True)
        else:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


if __name__ == '__main__':
    main()
