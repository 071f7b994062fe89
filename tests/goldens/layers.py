#!/usr/bin/env python3
"""Every layer of the DSL in PyTorch, under the names of tests/test_frontend.c."""
import os

import numpy as np
import torch
import torch.nn.functional as F

from lgpn_ref import save_safetensors

torch.set_num_threads(1)
g = np.random.default_rng(7)


def values(*shape):
    return torch.from_numpy(g.standard_normal(shape).astype(np.float32))


x, v = values(2, 7, 5, 4), values(2, 3, 6)
t = {'x': x, 'v': v, 'w': values(3, 1), 'matrix': values(6, 4), 'indices': torch.tensor([2, 0, 0], dtype=torch.int32)}
for name, shape in (('conv_a.weight', (3, 4, 3, 3)), ('conv_b.weight', (6, 2, 3, 3)), ('conv_b.bias', (6,)),
                    ('conv_c.weight', (2, 4, 3, 3)), ('bn.weight', (4,)), ('bn.bias', (4,)), ('bn.running_mean', (4,)),
                    ('fc.weight', (5, 6)), ('fc.bias', (5,))):
    t[name] = values(*shape)
t['bn.running_var'] = values(4).abs() + 0.1
t['bn.num_batches_tracked'] = torch.tensor(3)
for name, shape in (('transpose_a.weight', (4, 3, 4, 4)), ('transpose_a.bias', (3,)), ('transpose_b.weight', (4, 2, 3, 3)),
                    ('instance.weight', (4,)), ('instance.bias', (4,)), ('group.weight', (4,)), ('group.bias', (4,))):
    t[name] = values(*shape)


def on_image(f):
    """f works on [n,c,h,w]."""
    return f(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def resize(h, w):
    return on_image(lambda a: F.interpolate(a, size=(h, w), mode='bilinear', align_corners=False))


t['conv_a'] = on_image(lambda a: F.conv2d(a, t['conv_a.weight'], padding=1))
t['conv_b'] = on_image(lambda a: F.conv2d(a, t['conv_b.weight'], t['conv_b.bias'], 2, 1, 2, 2))
t['conv_c'] = on_image(lambda a: F.conv2d(a, t['conv_c.weight']))
t['bn'] = on_image(lambda a: F.batch_norm(a, t['bn.running_mean'], t['bn.running_var'], t['bn.weight'],
                                          t['bn.bias'], eps=0.01))
t['transpose_a'] = on_image(lambda a: F.conv_transpose2d(a, t['transpose_a.weight'], t['transpose_a.bias'], 2, 1))
t['transpose_b'] = on_image(lambda a: F.conv_transpose2d(a, t['transpose_b.weight'], stride=2, padding=1, output_padding=1))
t['instance'] = on_image(lambda a: F.instance_norm(a, weight=t['instance.weight'], bias=t['instance.bias']))
t['group'] = on_image(lambda a: F.group_norm(a, 2, t['group.weight'], t['group.bias'], eps=0.01))
t['nearest'] = on_image(lambda a: F.interpolate(a, scale_factor=3, mode='nearest'))
t['leaky_relu'], t['elu'], t['silu'] = F.leaky_relu(v, 0.2), F.elu(v), F.silu(v)
t['fc'] = F.linear(v, t['fc.weight'], t['fc.bias'])
t['softmax_1'] = F.softmax(v, 1)
t['softmax_last'] = F.softmax(v, -1)
t['l2_normalize'] = F.normalize(v, dim=2)
t['max_pool'] = on_image(lambda a: F.max_pool2d(a, 3, 2, 1))
t['max_pool_2'] = on_image(lambda a: F.max_pool2d(a, 2))
t['avg_pool'] = on_image(lambda a: F.avg_pool2d(a, 3, 2, 1))
t['global_average'] = x.mean((1, 2))
t['resize_up'] = resize(9, 16)
t['resize_down'] = resize(3, 5)
t['broadcast_add'] = v + t['w']
t['from_number'] = 2 - v
t['by_number'] = v / 3
t['where'] = torch.where(v > 0.1, v, torch.tensor(-1.0))
t['where_numbers'] = torch.where(v[:, :, :1] > 0, 1.0, -2.0) * torch.ones(2, 3, 6)
t['activations'] = torch.relu(v) + torch.sigmoid(v) * torch.tanh(v)
t['sum'] = v.sum(1)
t['mean'] = v.mean((0, 2))
t['reduce_max'] = v.amax(2, keepdim=True)
t['concat'] = torch.cat((v, v * 2), 1)
t['stack'] = torch.stack((v, -v), 1)
t['slice'] = v[:, 1:3]
t['pad'] = F.pad(v, (1, 2), value=0.5)
t['transpose'] = v.permute(2, 0, 1)
t['reshape'] = v.reshape(6, 6)
t['gather'] = v.index_select(1, t['indices'])
t['matmul'] = v @ t['matrix']
t['matmul_ta'] = v.transpose(1, 2) @ v
t['matmul_tb'] = v @ v.transpose(1, 2)

here = os.path.dirname(os.path.abspath(__file__))
save_safetensors(os.path.join(here, 'layers.safetensors'), t)
