"""The peers: a table, and what a peer's module is given.

A row names its environment (bench/environments.py), the package whose version its title shows, and
the module here that runs it with an option. Such a module has start(task) -> a function that runs
the network once and returns its outputs in order; files(task), the model files that start() opens;
and where it applies prepare(task), what is done once ahead of time and not measured.
"""
import glob
import importlib
import json
import os
from collections import namedtuple

Peer = namedtuple('Peer', 'name title environment package module option')

PEERS = (
    Peer('onnxruntime', 'ONNX Runtime %s', 'base', 'onnxruntime', 'onnx_runtime', None),
    Peer('openvino', 'OpenVINO %s', 'base', 'openvino', 'intel_openvino', None),
    Peer('torch', 'PyTorch %s eager', 'torch', 'torch', 'pytorch', 'eager'),
    Peer('torch-channels-last', 'PyTorch %s eager, channels last', 'torch', 'torch', 'pytorch',
         'channels-last'),
    Peer('inductor', 'PyTorch %s Inductor', 'torch', 'torch', 'pytorch', 'inductor'),
    Peer('inductor-freezing', 'PyTorch %s Inductor, freezing', 'torch', 'torch', 'pytorch',
         'freezing'),
    Peer('inductor-max-autotune', 'PyTorch %s Inductor, freezing, max-autotune', 'torch', 'torch',
         'pytorch', 'max-autotune'),
    Peer('aot-inductor', 'PyTorch %s AOTInductor, freezing', 'torch', 'torch', 'pytorch', 'aot'),
    Peer('xla', 'JAX %s (XLA)', 'jax', 'jax', 'jax_xla', None),
    Peer('mnn', 'MNN %s', 'mnn', 'MNN', 'alibaba_mnn', None),
    Peer('ncnn', 'ncnn %s', 'ncnn', 'ncnn', 'tencent_ncnn', None),
    Peer('iree', 'IREE %s', 'iree', 'iree-base-compiler', 'iree_cpu', None),
    Peer('tvm', 'TVM %s', 'tvm', 'apache-tvm', 'apache_tvm', 'default'),
    Peer('tvm-tuned', 'TVM %s, MetaSchedule', 'tvm', 'apache-tvm', 'apache_tvm', 'tuned'),
    Peer('tinygrad', 'tinygrad %s', 'tinygrad', 'tinygrad', 'tiny', None),
)
# function -> the peers that can do it; the first is the one that all are compared with
FIT = {
    'infer': [p.name for p in PEERS],
    'train_step': ['torch', 'torch-channels-last', 'inductor'],
}


class Task:
    """One network for one peer: `folder` of bench/export.py, `work` for what it prepares."""

    def __init__(self, peer, folder, work, threads):
        self.peer, self.folder, self.work, self.threads = peer, folder, work, threads
        self.option = peer.option
        with open(os.path.join(folder, 'network.json')) as f:
            network = json.load(f)
        self.function = network['function']
        self.inputs, self.outputs = network['inputs'], network['outputs']

    def file(self, name):
        return os.path.join(self.folder, name)

    def own(self, name):
        return os.path.join(self.work, name)

    def arrays(self):
        """The inputs in order; images are NCHW."""
        import numpy as np
        return [np.load(self.file('nchw/%s.npy' % name)) for name in self.inputs]

    def named_arrays(self):
        return dict(zip(self.inputs, self.arrays()))

    def module(self):
        return importlib.import_module('peers.' + self.peer.module)

    def model_bytes(self):
        """Size of the files that it needs to run the network, besides its libraries."""
        paths = self.module().files(self)
        return sum(os.path.getsize(p) for pattern in paths for p in glob.glob(pattern))


def choose(names, function):
    """-> the rows of `names` that can do it and the one that they are compared with, it first."""
    fit = FIT[function]
    return [find(fit[0])] + [p for p in PEERS if p.name in names and p.name in fit[1:]]


def find(name):
    return next(p for p in PEERS if p.name == name)
