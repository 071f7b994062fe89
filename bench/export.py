#!/usr/bin/env python3
"""Writes what all contenders of bench/compare.py are given, into one folder.

weights.safetensors, network.onnx, nhwc/{image,graph}.npy (lgpnc's inputs), nchw/{image,graph}.npy
(the peers'), and expected/NAME.npy: the outputs of the reference, tests/goldens/lgpn_ref.py.
Weights and image are random, normally distributed: zeros would make some kernels too fast.
"""
import argparse
import inspect
import os
import sys
import warnings

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'goldens'))

import numpy as np
import torch

import lgpn_ref

OUTPUTS = ('real_fake', 'node_logits', 'node_features', 'feature', 'mm1', 'mm2', 'cg1', 'cg2')


class Network(torch.nn.Module):
    """The reference with the inputs and outputs of models/lgpn.c, but for NCHW images."""

    def __init__(self, lgpn):
        super().__init__()
        self.lgpn = lgpn

    def forward(self, image, graph):
        taps = {}
        adjacency = graph[None].expand(image.shape[0], -1, -1)
        real_fake, logits, features, matrices, _ = self.lgpn(image, adjacency, taps)
        return (real_fake, logits, features, taps['feat'], *matrices)


def network(o):
    cfg = lgpn_ref.Cfg(width=o.width, feat=o.feat, dim=o.dim,
                       blocks=tuple(int(b) for b in o.blocks.split('-')))
    return cfg, Network(lgpn_ref.make(cfg, o.seed)).eval()


def write_onnx(model, inputs, path):
    options = dict(opset_version=17, input_names=['image', 'graph'], output_names=list(OUTPUTS))
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        options['dynamo'] = False   # the other exporter wants packages of its own
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')     # the tracer's, on shapes that are constants here
        torch.onnx.export(model, inputs, path, **options)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--out', required=True)
    p.add_argument('--image', type=int, default=256)
    p.add_argument('--width', type=int, default=64)
    p.add_argument('--feat', type=int, default=512)
    p.add_argument('--dim', type=int, default=128)
    p.add_argument('--blocks', default='3-4-6-3')
    p.add_argument('--batch', type=int, default=1)
    p.add_argument('--seed', type=int, default=1)
    o = p.parse_args()

    cfg, model = network(o)
    image, adjacency, _, _ = lgpn_ref.sample_inputs(cfg, o.image, o.batch, o.seed)
    graph = adjacency[0].contiguous()
    for folder in ('nhwc', 'nchw', 'expected'):
        os.makedirs(os.path.join(o.out, folder), exist_ok=True)

    def save(name, tensor):
        np.save(os.path.join(o.out, name + '.npy'), np.ascontiguousarray(tensor.numpy()))
    save('nchw/image', image)
    save('nhwc/image', image.permute(0, 2, 3, 1))
    save('nchw/graph', graph)
    save('nhwc/graph', graph)
    lgpn_ref.save_safetensors(os.path.join(o.out, 'weights.safetensors'), model.lgpn.state_dict())
    with torch.no_grad():
        for name, tensor in zip(OUTPUTS, model(image, graph)):
            save('expected/' + name, tensor)
        write_onnx(model, (image, graph), os.path.join(o.out, 'network.onnx'))


if __name__ == '__main__':
    main()
