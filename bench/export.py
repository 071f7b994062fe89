#!/usr/bin/env python3
"""Writes what all contenders of bench/compare.py are given for one network, into one folder.

weights.safetensors, network.onnx, nhwc/NAME.npy (lgpnc's inputs), nchw/NAME.npy (the peers'),
expected/NAME.npy (the outputs of the reference, tests/goldens/*_ref.py) and network.json: the
model, the function and the names of its inputs and outputs in order. Weights and image are random,
normally distributed: zeros would make some kernels too fast. Of a step of training there is no
ONNX; its outputs are the losses before the step.
"""
import argparse
import inspect
import json
import os
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'tests', 'goldens'))

import numpy as np
import torch

import lgpn_ref
import networks
import resnet_ref

SEED = 1
# Small, so that losses stay finite however many rounds there are.
LEARNING_RATE = 1e-5


class Lgpn(torch.nn.Module):
    """The reference with the inputs and outputs of models/lgpn.c, but for NCHW images."""

    inputs = ('image', 'graph')
    outputs = ('real_fake', 'node_logits', 'node_features', 'feature', 'mm1', 'mm2', 'cg1', 'cg2')

    def __init__(self, options):
        super().__init__()
        self.config = lgpn_ref.Cfg(width=options['width'], feat=options['feat'],
                                   dim=options['dim'],
                                   blocks=tuple(int(b) for b in options['blocks'].split('-')))
        self.network = lgpn_ref.LGPN(self.config)

    def forward(self, image, graph):
        taps = {}
        adjacency = graph[None].expand(image.shape[0], -1, -1)
        real_fake, logits, features, matrices, _ = self.network(image, adjacency, taps)
        return (real_fake, logits, features, taps['feat'], *matrices)

    def sample(self, options):
        image, adjacency, _, _ = lgpn_ref.sample_inputs(self.config, options['image'],
                                                        options['batch'], SEED)
        return image, adjacency[0].contiguous()


class LgpnLosses(Lgpn):
    """The losses of models/lgpn.c, without dropout so that contenders can be compared.

    Those of the fake images are picked by a factor: TorchInductor compiles that in one piece.
    """

    inputs = ('image', 'graph', 'labels', 'fake')
    outputs = ('loss', 'loss_ce', 'loss_hierarchy', 'loss_real_fake')

    def __init__(self, options):
        super().__init__(options)
        for module in self.network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        assignment = lgpn_ref.membership(self.config.supers, self.config.nodes)
        for i, target in enumerate(lgpn_ref.hierarchy_targets(assignment)):
            self.register_buffer('target%d' % i, target, persistent=False)

    def forward(self, image, graph, labels, fake):
        functional = torch.nn.functional
        adjacency = graph[None].expand(image.shape[0], -1, -1)
        real_fake, logits, _, matrices, _ = self.network(image, adjacency)
        each = functional.cross_entropy(logits.transpose(1, 2), labels, reduction='none')
        ce = (each * fake[:, None]).sum() / fake.sum()
        targets = self.target0, self.target1, self.target2, self.target3
        far = [m - t for m, t in zip(matrices, targets)]
        hierarchy = sum((d * d).mean() for d in far[:2]) + sum(d.abs().mean() for d in far[2:])
        detection = 0.0005 * functional.cross_entropy(real_fake, fake)
        return ce + hierarchy + detection, ce, hierarchy, detection

    def sample(self, options):
        image, adjacency, labels, fake = lgpn_ref.sample_inputs(self.config, options['image'],
                                                                options['batch'], SEED)
        return image, adjacency[0].contiguous(), labels, fake


class Resnet(torch.nn.Module):
    """torchvision's resnet18 and resnet50."""

    inputs = ('image',)
    outputs = ('logits',)

    def __init__(self, options):
        super().__init__()
        self.network = resnet_ref.ResNet(options['depth'], options['classes'])

    def forward(self, image):
        return (self.network(image),)

    def sample(self, options):
        shape = (options['batch'], 3, options['image'], options['image'])
        values = np.random.default_rng(SEED).standard_normal(shape).astype(np.float32)
        return (torch.from_numpy(values),)


KINDS = {'infer': {'lgpn': Lgpn, 'resnet': Resnet}, 'train_step': {'lgpn': LgpnLosses}}


def network(model, function):
    """-> the torch module of the model that lgpnc calls so, without weights."""
    kind, options = networks.parse(model)
    return KINDS[function][kind](options).train(function == 'train_step'), options


def load(folder):
    """-> the torch module in `folder` with its weights, and its inputs in order."""
    with open(os.path.join(folder, 'network.json')) as f:
        described = json.load(f)
    module, _ = network(described['model'], described['function'])
    weights = lgpn_ref.load_safetensors(os.path.join(folder, 'weights.safetensors'))
    module.network.load_state_dict(weights)
    return module, [torch.from_numpy(np.load(os.path.join(folder, 'nchw', name + '.npy')))
                    for name in module.inputs]


def write_onnx(module, inputs, path):
    options = dict(opset_version=17, input_names=list(module.inputs),
                   output_names=list(module.outputs))
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        options['dynamo'] = False   # the other exporter wants packages of its own
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')     # the tracer's, on shapes that are constants here
        torch.onnx.export(module, inputs, path, **options)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--out', required=True)
    p.add_argument('--model', required=True, help='as lgpnc names it: lgpn:image=64')
    p.add_argument('--function', required=True, choices=KINDS)
    o = p.parse_args()

    module, options = network(o.model, o.function)
    lgpn_ref.randomise(module.network, SEED)
    inputs = module.sample(options)
    for folder in ('nhwc', 'nchw', 'expected'):
        os.makedirs(os.path.join(o.out, folder), exist_ok=True)

    def save(name, tensor):
        np.save(os.path.join(o.out, name + '.npy'), np.array(tensor.numpy(), order='C'))
    for name, tensor in zip(module.inputs, inputs):
        save('nchw/' + name, tensor)
        if not tensor.is_floating_point():
            tensor = tensor.int()
        save('nhwc/' + name, tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor)
    if o.function == 'train_step':
        save('nhwc/learning_rate', torch.tensor(LEARNING_RATE))
    lgpn_ref.save_safetensors(os.path.join(o.out, 'weights.safetensors'),
                              module.network.state_dict())
    with torch.no_grad():
        for name, tensor in zip(module.outputs, module(*inputs)):
            save('expected/' + name, tensor)
        if o.function == 'infer':
            write_onnx(module, inputs, os.path.join(o.out, 'network.onnx'))
    with open(os.path.join(o.out, 'network.json'), 'w') as f:
        json.dump(dict(model=o.model, function=o.function, inputs=module.inputs,
                       outputs=module.outputs), f)


if __name__ == '__main__':
    main()
