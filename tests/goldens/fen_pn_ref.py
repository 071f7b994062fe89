#!/usr/bin/env python3
"""FEN and PN as models/fen_pn.c has them, in PyTorch: results, losses and gradients of a small case.

The weights are the initial ones of `lgpnc init`, made again from their description (resnet_ref.py),
so that only inputs and results are stored. Gradients are sampled: element i of m stands for element
i * n / m of n.
"""
import argparse
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from lgpn_ref import sampled, save_safetensors
from resnet_ref import fnv1a, mix, uniform


class Layer(nn.Module):
    def __init__(self, c_in, c, pad=1, norm=False):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, 3, 1, pad)
        if norm:
            self.bn = nn.BatchNorm2d(c)


class FEN(nn.Module):
    def __init__(self, layers, width):
        super().__init__()
        self.layers = layers
        self.layer0 = Layer(3, width)
        for i in range(1, layers - 1):
            self.add_module('layer%d' % i, Layer(width, width, norm=True))
        self.add_module('layer%d' % (layers - 1), Layer(width, 3))

    def forward(self, x):
        x = F.relu(self.layer0.conv(x))
        for i in range(1, self.layers - 1):
            layer = getattr(self, 'layer%d' % i)
            x = F.relu(layer.bn(layer.conv(x)))
        return getattr(self, 'layer%d' % (self.layers - 1)).conv(x)


class PN(nn.Module):
    def __init__(self, size, channels):
        super().__init__()
        c = 3
        for i in range(5):
            self.add_module('layer%d' % i, Layer(c, channels << i, 2))
            c, size = channels << i, (size + 2) // 2
        self.linear0, self.linear1, self.linear2 = nn.Linear(c * size * size, 512), nn.Linear(512, 256), nn.Linear(256, 64)
        self.nodes, self.real_fake, self.continuous = nn.Linear(64, 110), nn.Linear(64, 2), nn.Linear(64, 9)

    def forward(self, x):
        for i in range(5):
            x = F.max_pool2d(F.relu(getattr(self, 'layer%d' % i).conv(x)), 2)
        x = x.flatten(1)                                # dropout is off
        return F.relu(self.linear2(F.relu(self.linear1(F.relu(self.linear0(x))))))


class Net(nn.Module):
    def __init__(self, size, layers, width, channels):
        super().__init__()
        self.FEN, self.PN = FEN(layers, width), PN(size, channels)

    def forward(self, image):
        fingerprint = self.FEN((image * 0.5 + 0.5 - 0.6490) / 0.1269)
        f = self.PN(fingerprint)
        return dict(fingerprint=fingerprint.permute(0, 2, 3, 1), feature=f, node_logits=self.PN.nodes(f).reshape(-1, 55, 2),
                    real_fake=self.PN.real_fake(f), continuous=torch.sigmoid(self.PN.continuous(f)))


def constraints(fingerprint):
    """Of a fingerprint [b,h,w,3]; 51 low frequencies, or the odd number up to 4/5 of the image."""
    grey = 0.299 * fingerprint[..., 0] + 0.587 * fingerprint[..., 1] + 0.114 * fingerprint[..., 2]
    size = grey.shape[1]
    y = torch.fft.fftshift(torch.fft.fft2(grey), dim=(1, 2)).abs()
    half = (min(51, int(0.8 * size)) - 1) // 2
    a, b = size // 2 - half, size // 2 + half + 1
    outside = torch.ones_like(y)
    outside[:, a:b, a:b] = 0
    return (0.05 * y[:, a:b, a:b].square().mean() - 0.001 * (y * outside).max() +
            0.1 * grey.square().mean() + (y - y.transpose(1, 2)).square().mean())


def losses(out, labels, fake, values):
    ce = sum(F.cross_entropy(out['node_logits'][fake == 1, j], labels[fake == 1, j]) for j in range(55))
    known = (fake == 1)[:, None] & ~values.isnan()
    part = dict(ce=ce, real_fake=F.cross_entropy(out['real_fake'], fake), fingerprint=constraints(out['fingerprint']),
                mse=10 * F.mse_loss(out['continuous'][known], values[known]))
    return {'loss': sum(part.values()), **{'loss_' + k: v for k, v in part.items()}}


@torch.no_grad()
def initialise(model, seed):
    for name, t in model.named_parameters():
        module = model.get_submodule(name.rsplit('.', 1)[0])
        if isinstance(module, nn.BatchNorm2d):
            continue
        with np.errstate(over='ignore'):
            key = mix(np.array(seed ^ fnv1a(name), np.uint64))
        n = np.arange(t.numel(), dtype=np.uint64)
        fan_in = module.weight[0].numel()
        if isinstance(module, nn.Conv2d) and name.endswith('weight'):
            r = np.sqrt(-2 * np.log(uniform(key, n & ~np.uint64(1))))
            a = 2 * np.pi * uniform(key, n | np.uint64(1))
            v = np.sqrt(2 / fan_in) * r * np.where(n & np.uint64(1), np.sin(a), np.cos(a))
        else:
            v = (2 * uniform(key, n) - 1) / np.sqrt(fan_in)
        t.copy_(torch.from_numpy(v.reshape(tuple(t.shape)).astype(np.float32)))
    return model


def main():
    torch.set_num_threads(1)
    ap = argparse.ArgumentParser()
    ap.add_argument('--out', required=True)
    ap.add_argument('--size', type=int, default=18)
    ap.add_argument('--layers', type=int, default=4)
    ap.add_argument('--width', type=int, default=8)
    ap.add_argument('--channels', type=int, default=8)
    ap.add_argument('--batch', type=int, default=3)
    ap.add_argument('--seed', type=int, default=1)
    o = ap.parse_args()
    os.makedirs(o.out, exist_ok=True)
    g = np.random.default_rng(o.seed)
    image = torch.from_numpy(g.uniform(-1, 1, (o.batch, o.size, o.size, 3)).astype(np.float32))
    labels = torch.from_numpy(g.integers(0, 2, (o.batch, 55)))
    fake = torch.from_numpy(np.arange(o.batch) % 3 != 1).long()
    values = torch.from_numpy(g.uniform(0, 1, (o.batch, 9)).astype(np.float32))
    values[0, 5] = float('nan')
    case = dict(image=image, labels=labels.int(), fake=fake.int(), values=values)

    model = initialise(Net(o.size, o.layers, o.width, o.channels), o.seed).double()
    x = image.permute(0, 3, 1, 2).double()
    with torch.no_grad():
        case.update({k: v.float() for k, v in model.eval()(x).items()})
    part = losses(model.train()(x), labels, fake, values.double())
    part['loss'].backward()
    case.update({k: v.detach().float() for k, v in part.items()})
    for name, p in model.named_parameters():
        case['grad.' + name] = sampled(p.grad.float())
        case['largest.' + name] = p.grad.abs().max().float()
    save_safetensors(os.path.join(o.out, 'case.safetensors'), case, vars(o))


if __name__ == '__main__':
    main()
