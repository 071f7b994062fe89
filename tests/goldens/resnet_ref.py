#!/usr/bin/env python3
"""ResNet 18 and 50 with torchvision's names, for checking models/resnet.c.

The weights would be 45 MB. They are the initial ones of `lgpnc init`, whose generator is written
again here from its description, so that only inputs and outputs are stored.
"""
import argparse
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from lgpn_ref import sampled, save_safetensors


class Basic(nn.Module):
    def __init__(self, c_in, c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        if stride != 1 or c_in != c:
            self.downsample = nn.Sequential(nn.Conv2d(c_in, c, 1, stride, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if hasattr(self, 'downsample') else x))


class Bottleneck(nn.Module):
    def __init__(self, c_in, c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * c)
        if stride != 1 or c_in != 4 * c:
            self.downsample = nn.Sequential(nn.Conv2d(c_in, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (self.downsample(x) if hasattr(self, 'downsample') else x))


class ResNet(nn.Module):
    def __init__(self, depth, classes, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        block, counts, expand = (Basic, (2, 2, 2, 2), 1) if depth == 18 else (Bottleneck, (3, 4, 6, 3), 4)
        c = width
        for s, n in enumerate(counts):
            stage = []
            for i in range(n):
                stage.append(block(c, width << s, 2 if s and i == 0 else 1))
                c = expand * (width << s)
            self.add_module('layer%d' % (s + 1), nn.Sequential(*stage))
        self.fc = nn.Linear(c, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def mix(z):
    """The finaliser of splitmix64, on uint64 arrays."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
    return z ^ (z >> np.uint64(31))


def fnv1a(name):
    h = 0xcbf29ce484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001b3) & (2 ** 64 - 1)
    return h


def uniform(key, n):
    with np.errstate(over='ignore'):
        u = mix(np.uint64(key) + n * np.uint64(0x9e3779b97f4a7c15))
    return (u >> np.uint64(11)).astype(np.float64) * 2.0 ** -53 + 2.0 ** -54


@torch.no_grad()
def initialise(model, seed):
    """The initial values of `lgpnc init`, as tools/init_weights.h describes them."""
    for name, m in model.named_modules():
        for tensor, t in list(m.named_parameters(recurse=False)):
            if isinstance(m, nn.BatchNorm2d):
                continue                                # 1 and 0, as PyTorch has them
            with np.errstate(over='ignore'):
                key = mix(np.array(seed ^ fnv1a(name + '.' + tensor), np.uint64))
            n = np.arange(t.numel(), dtype=np.uint64)
            if isinstance(m, nn.Conv2d):
                fan_out = m.out_channels * m.kernel_size[0] * m.kernel_size[1]
                r = np.sqrt(-2 * np.log(uniform(key, n & ~np.uint64(1))))
                a = 2 * np.pi * uniform(key, n | np.uint64(1))
                v = np.sqrt(2 / fan_out) * r * np.where(n & np.uint64(1), np.sin(a), np.cos(a))
            else:
                v = (2 * uniform(key, n) - 1) / np.sqrt(m.in_features)
            t.copy_(torch.from_numpy(v.reshape(tuple(t.shape)).astype(np.float32)))
    return model


def sample_inputs(o):
    g = np.random.default_rng(o.seed)
    image = torch.from_numpy(g.standard_normal((o.batch, 3, o.size, o.size)).astype(np.float32))
    return image, torch.from_numpy(g.integers(0, o.classes, o.batch))


def golden(o):
    """The logits of the initial network."""
    model = initialise(ResNet(o.depth, o.classes, o.width), o.seed).eval()
    image, _ = sample_inputs(o)
    with torch.no_grad():
        return dict(image=image.permute(0, 2, 3, 1), logits=model(image))


def training(o, lr=0.01, weight_decay=1e-6):
    """Losses of two steps of Adam, the first one's gradients, and what is then in parameters and
    running statistics, in float64; large tensors as samples."""
    model = initialise(ResNet(o.depth, o.classes, o.width), o.seed).double().train()
    image, labels = sample_inputs(o)
    case = dict(image=image.permute(0, 2, 3, 1), labels=labels.int(), learning_rate=torch.tensor(lr))
    opt = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    for step in (1, 2):
        opt.zero_grad()
        loss = F.cross_entropy(model(image.double()), labels)
        loss.backward()
        if step == 1:
            case['loss'] = loss
            for n, p in model.named_parameters():
                case['grad.' + n], case['largest.' + n] = sampled(p.grad), p.grad.abs().max()
        else:
            case['second_loss'] = loss
        opt.step()
    for n, v in model.state_dict().items():
        case['step2.' + n] = sampled(v)
    return {n: v.float() if v.dtype == torch.float64 else v for n, v in case.items()}


def main():
    torch.set_num_threads(1)
    ap = argparse.ArgumentParser()
    ap.add_argument('what', choices=('golden', 'training'))
    ap.add_argument('--out', required=True)
    ap.add_argument('--size', type=int, default=40)
    ap.add_argument('--batch', type=int, default=2)
    ap.add_argument('--classes', type=int, default=5)
    ap.add_argument('--depth', type=int, default=18)
    ap.add_argument('--width', type=int, default=64)
    ap.add_argument('--seed', type=int, default=1)
    o = ap.parse_args()
    os.makedirs(o.out, exist_ok=True)
    name, case = {'golden': ('case', golden), 'training': ('training', training)}[o.what]
    save_safetensors(os.path.join(o.out, name + '.safetensors'), case(o), vars(o))


if __name__ == '__main__':
    main()
