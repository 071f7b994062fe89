#!/usr/bin/env python3
"""Reference implementation of the LGPN model-parsing network in PyTorch.

For checking the compiler's outputs.  State-dict names,
shapes and order equal those of the released network, so weights move freely
between the two.  Everything is sized by Cfg, so small variants run in
milliseconds.

    python3 lgpn_ref.py dump --out DIR [--size 32 --width 8 --feat 32 --dim 16
                             --blocks 1,1,1,1 --batch 2 --seed 1 --npy]
    python3 lgpn_ref.py golden --out DIR [the same options without --npy]
    python3 lgpn_ref.py training --out DIR [the same, --continuous, --full]
    python3 lgpn_ref.py graph [--tsv red140.tsv] [--thr 0.4] [--cv 0..4]
    python3 lgpn_ref.py info  [--width 64 --feat 512 --dim 128 --blocks 3,4,6,3] [--list]

dump writes weights.safetensors (initial parameters and buffers) and
case.safetensors: in.*, eval.* (outputs and intermediate values in inference
mode), train.* (the same in training mode, dropout off, with all losses),
grad.<parameter>, and step.<parameter or buffer> after one Adam step.
"""
import argparse
import json
import os
import struct
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

# --------------------------------------------------------------------------
# 1. Hyperparameter graph: nodes, labels, hierarchy, co-occurrence
# --------------------------------------------------------------------------

LOSSES = ('L1', 'L2', 'MSE', 'MMD', 'LS', 'WGAN', 'KL', 'Adversarial', 'Hinge', 'CE')
CONT = ('layers', 'conv_layers', 'fc_layers', 'pool_layers', 'norm_layers', 'filters',
        'blocks', 'layers_per_block', 'parameters')
# interval t is 0 below CUTS[c][0], 1 below CUTS[c][1], else 2
CUTS = ((300, 600), (100, 200), (60, 120), (10, 30), (80, 160), (3000, 6000),
        (3, 6), (5, 10), (10_000_000, 60_000_000))
NORM_SLOT = {0: 0, 1: 1, 2: 2, 4: 3}            # code 3 has no node
N_NODES, N_SUPER = 55, 18
# node -> supernode (18) and supernode -> top node (6); our own tables
NODE_SUPER = ([0] * 4 + [1] * 5 + [2] + [3 + c for c in range(9) for _ in range(3)]
              + [12] * 4 + [13] * 5 + [14] * 5 + [15] * 2 + [16, 17])
SUPER_TOP = [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 4, 5, 5, 5]
# (min, max) for scaling the continuous values to [0,1]; the 24 placeholder
# filter counts (999999) are left out
CONT_RANGE = ((1, 717), (0, 264), (0, 201), (0, 46), (0, 235), (0, 8365), (0, 155), (0, 20),
              (300304, 618997638))
FILTERS_UNKNOWN = 999999


def node_label(arch, loss):
    """55 zero/one labels from the 15 architecture values and 10 loss flags."""
    y = [int(bool(v)) for v in loss]
    for v, (a, b) in zip(arch[:9], CUTS):
        t = 0 if v < a else 1 if v < b else 2
        y += [int(t == k) for k in range(3)]
    s = NORM_SLOT.get(arch[9], -1)
    y += [int(s == k) for k in range(4)]
    for v in arch[10:12]:
        y += [int(v == k) for k in range(5)]    # code 5 has no node
    y += [int(arch[12] == 0), int(arch[12] == 1), int(arch[13] != 0), int(arch[14] != 0)]
    assert len(y) == N_NODES
    return y


def read_tsv(path):
    """-> list of dicts with name, family, arch (15), loss (10), cv, label (55)."""
    out = []
    with open(path) as f:
        head = f.readline().rstrip('\n').split('\t')
        assert len(head) == 28
        for line in f:
            c = line.rstrip('\n').split('\t')
            arch, loss = [int(v) for v in c[2:17]], [int(v) for v in c[17:27]]
            out.append(dict(name=c[0], family=c[1], arch=arch, loss=loss, cv=int(c[27]),
                            label=node_label(arch, loss)))
    return out


def cooccurrence(labels, thr=0.4):
    """Directed 0/1 graph: edge i->j where P(j|i) >= thr; every node keeps its self edge."""
    y = np.asarray(labels, np.int64)
    pair = y.T @ y                               # pair[i][j] = number of models with both
    own = np.diag(pair)
    p = np.zeros(pair.shape, np.float64)
    seen = own > 0
    p[seen] = pair[seen] / own[seen, None]
    a = (p >= thr).astype(np.float32)
    np.fill_diagonal(a, 1.0)
    return a, p


def membership(n_super=N_SUPER, n_nodes=N_NODES):
    """0/1 assignment (n_super, n_nodes); the real tables for 18x55, else round robin."""
    idx = NODE_SUPER if (n_super, n_nodes) == (N_SUPER, N_NODES) else [i % n_super for i in range(n_nodes)]
    c = np.zeros((n_super, n_nodes), np.float32)
    c[idx, np.arange(n_nodes)] = 1.0
    return c


def hierarchy_targets(c):
    """Targets for (mm1, mm2, cg1, cg2) from the 0/1 assignment c (S,N)."""
    c = torch.as_tensor(c)
    return (torch.softmax(c, dim=1),             # (S,N): each supernode over the nodes
            torch.softmax(c.t().contiguous(), dim=1),   # (N,S): each node over the supernodes
            c, c.t().contiguous())


# --------------------------------------------------------------------------
# 2. Network
# --------------------------------------------------------------------------

@dataclass
class Cfg:
    width: int = 64                 # stem channels; a multiple of 8
    blocks: tuple = (3, 4, 6, 3)
    feat: int = 512                 # image feature
    dim: int = 128                  # node feature
    nodes: int = N_NODES
    supers: int = N_SUPER
    gcn_layers: int = 2
    corr_scale: float = 1000.0
    edge_min: float = 0.1
    masked: float = -9e15
    drop: float = 0.2
    dead: bool = True               # keep the parameters that forward never reads


def _conv(i, o, k, stride=1, bias=False, groups=1):
    return nn.Conv2d(i, o, k, stride=stride, padding=k // 2, bias=bias, groups=groups)


def _merge(i, o, p=None):
    parts = [_conv(i, o, 1, groups=2), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*(parts + ([nn.Dropout(p)] if p else [])))


class Bneck(nn.Module):
    """1x1 -> 3x3 (carries the stride) -> 1x1 to 4x, plus shortcut."""

    def __init__(self, c_in, mid, stride, project):
        super().__init__()
        for n, (i, o, k, s) in enumerate(((c_in, mid, 1, 1), (mid, mid, 3, stride), (mid, 4 * mid, 1, 1)), 1):
            self.add_module('conv%d' % n, _conv(i, o, k, s))
            self.add_module('bn%d' % n, nn.BatchNorm2d(o))
        self.downsample = nn.Sequential(_conv(c_in, 4 * mid, 1, stride),
                                        nn.BatchNorm2d(4 * mid)) if project else None

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class TraceNet(nn.Module):
    """Generation-trace network: image -> feature vector."""

    def __init__(self, cfg):
        super().__init__()
        w = cfg.width
        assert w % 8 == 0
        self.conv1, self.conv1_0, self.conv1_1 = _conv(3, w, 7), _conv(3, w, 5), _conv(3, w, 3)
        self.bn1, self.bn1_0, self.bn1_1 = (nn.BatchNorm2d(w) for _ in range(3))
        self.stem_merge = _merge(3 * w, w)
        c = w
        for s, n in enumerate(cfg.blocks):
            mid = w << s
            stage = [Bneck(c, mid, 2 if s else 1, True)]
            stage += [Bneck(4 * mid, mid, 1, False) for _ in range(n - 1)]
            self.add_module('layer%d' % (s + 1), nn.Sequential(*stage))
            c = 4 * mid
        self.fc = nn.Linear(c, cfg.feat)
        if cfg.dead:
            for n in (2, 3, 4):
                self.add_module('conv%d' % n, _conv(3, w, 7))
                self.add_module('bn%d' % n, nn.BatchNorm2d(w))
        for s in range(4):
            self.add_module('latlayer%d' % s, _conv(4 * (w << s), w, 1, bias=True))
        self.output_branch = nn.Sequential(*[m for _ in range(3) for m in (_conv(w, w, 3, 2, bias=True), nn.ReLU())])
        if cfg.dead:
            self.fc_2 = nn.Linear(w, 1)
            for s in range(3):
                self.add_module('conv_red_%d' % s, _merge(w, (w // 4) << s, 0.1))
            for s in range(3):
                self.add_module('conv_smooth_%d' % s, _merge((4 * w << s) + ((w // 4) << s), 4 * w << s))
        self.conv_smooth_last = _merge(c + w, c)

    def forward(self, x, tap):
        a = self.bn1(self.conv1(x))
        b = self.bn1_1(self.bn1_0(self.conv1_0(x)))     # both norms act on the 5x5 branch
        d = self.conv1_1(x)                             # the 3x3 branch has none
        c1 = tap('c1', self.stem_merge(F.relu(torch.cat((a, b, d), 1))))
        c2 = tap('c2', self.layer1(c1))
        c3 = tap('c3', self.layer2(c2))
        c4 = tap('c4', self.layer3(c3))
        c5 = tap('c5', self.layer4(c4))
        p = c1
        for s, c in enumerate((c2, c3, c4, c5)):
            u = getattr(self, 'latlayer%d' % s)(c)
            p = F.interpolate(u, size=p.shape[2:], mode='bilinear', align_corners=False) + p
            tap('p%d' % (s + 1), p)
        h = tap('hires', self.output_branch(p))
        y = tap('fused', self.conv_smooth_last(torch.cat((h, c5), 1)))
        return tap('feat', self.fc(y.mean((2, 3))))


class Refine(nn.Module):
    """Graph refinement: block on N nodes, pool to S, block, unpool to N, block."""

    def __init__(self, cfg):
        super().__init__()
        d = cfg.dim
        self.cfg = cfg
        self.a = nn.Parameter(torch.zeros(2 * d, 1))
        self.gcn_drop = nn.Dropout(cfg.drop)
        self.W = nn.ModuleList(nn.Linear(d, d) for _ in range(3 * cfg.gcn_layers))
        self.corr_list = nn.ModuleList((nn.Linear(d, cfg.supers), nn.Linear(d, cfg.nodes)))
        self.match_lst = nn.ModuleList((nn.Linear(d, cfg.supers), nn.Linear(d, cfg.nodes)))
        self.output_mlp = nn.Linear(d, d)

    def block(self, x, adj, level, tap):
        d = self.cfg.dim
        score = x @ self.a[:d] + (x @ self.a[d:]).transpose(1, 2)      # e[i][j] = a1.x_i + a2.x_j
        att = torch.softmax(torch.where(adj > 0, score, torch.full_like(score, self.cfg.masked)), dim=2)
        tap('att%d' % level, att)
        den = att.sum(2, keepdim=True) + 1
        for k in range(self.cfg.gcn_layers):
            w = self.W[k + 2 * level]
            x = F.relu((w(att @ x) + w(x)) / den)
            if k < self.cfg.gcn_layers - 1:
                x = self.gcn_drop(x)
        return x

    def resample(self, x, adj, level, tap):
        """-> new node features, new graph, assignment, correlation (both out x in)."""
        m = torch.softmax(self.match_lst[level](x), dim=1).transpose(1, 2)
        c = torch.sigmoid(self.cfg.corr_scale * self.corr_list[level](x))
        weight = c.transpose(1, 2) @ (adj @ c)
        tap('edge%d' % (level + 1), weight)
        new = torch.where(weight > self.cfg.edge_min, torch.ones_like(weight),
                          torch.full_like(weight, self.cfg.masked))
        return m @ x, new, m, c.transpose(1, 2)

    def forward(self, h, adj, tap):
        x0 = tap('x0', self.block(h, adj, 0, tap))
        x1, adj1, mm1, cg1 = self.resample(x0, adj, 0, tap)
        x1 = tap('x1', self.block(tap('pooled', x1), adj1, 1, tap))
        x2, adj2, mm2, cg2 = self.resample(x1, adj1, 1, tap)
        x2 = tap('x2', self.block(tap('unpooled', x2), adj2, 2, tap))
        v = tap('V', torch.tanh(self.output_mlp(x2 + x0)))
        return v, x1, (mm1, mm2, cg1, cg2), (adj, adj1, adj2)


def _mlp(i, hidden, o):
    return nn.Sequential(nn.Linear(i, hidden), nn.ReLU(), nn.Linear(hidden, o))


class LGPN(nn.Module):
    def __init__(self, cfg=None):
        super().__init__()
        cfg = self.cfg = cfg or Cfg()
        self.GTC = TraceNet(cfg)
        if cfg.dead:
            self.conv_1x1_merge = _merge(2 * cfg.width, cfg.width, 0.2)
        self.GCN_refine = Refine(cfg)
        for i in range(cfg.nodes):
            self.add_module('head_%d' % (i + 1), _mlp(cfg.feat, cfg.feat, cfg.dim))
        self.classifier = _mlp(cfg.dim, cfg.dim, 2)
        self.classifier_real_fake = _mlp(cfg.feat + cfg.dim, cfg.feat + cfg.dim, 2)

    def forward(self, image, adj, taps=None):
        """-> (real/fake logits, node logits, V, (mm1,mm2,cg1,cg2), (adj0,adj1,adj2))."""
        def tap(name, t):
            if taps is not None:
                taps[name] = t
            return t
        f = self.GTC(image, tap)
        h = torch.stack([F.normalize(getattr(self, 'head_%d' % (i + 1))(f), dim=1)
                         for i in range(self.cfg.nodes)], 1)
        v, mid, mats, adjs = self.GCN_refine(tap('H', h), adj, tap)
        rf = self.classifier_real_fake(torch.cat((mid.mean(1), f), 1))
        return tap('real_fake', rf), tap('logits', self.classifier(v)), v, mats, adjs


class ContinuousHead(nn.Module):
    """Our regression head for Fig. 4b (no released counterpart): one MLP per parameter."""

    def __init__(self, dim=128, count=9, first=10):
        super().__init__()
        self.first = first
        self.regress = nn.ModuleList(_mlp(3 * dim, dim, 1) for _ in range(count))

    def forward(self, v):
        b = self.first
        return torch.cat([m(v[:, b + 3 * k:b + 3 * k + 3].flatten(1)) for k, m in enumerate(self.regress)], 1)


# --------------------------------------------------------------------------
# 3. Losses, metrics, preprocessing
# --------------------------------------------------------------------------

def losses(out, labels, fake, targets):
    """labels (B,N) 0/1, fake (B) 0/1; targets from hierarchy_targets.  -> dict incl. 'total'."""
    rf, logits, _, (mm1, mm2, cg1, cg2), _ = out
    pick = fake.bool()
    n = logits.shape[1]
    ce = sum(F.cross_entropy(logits[pick][:, j], labels[pick][:, j]) for j in range(n))
    t = [g[None].expand(len(fake), -1, -1) for g in targets]
    r = dict(ce=ce, mm1=F.mse_loss(mm1, t[0]), mm2=F.mse_loss(mm2, t[1]),
             cg1=F.l1_loss(cg1, t[2]), cg2=F.l1_loss(cg2, t[3]), rf=0.0005 * F.cross_entropy(rf, fake))
    r['total'] = r['ce'] + (r['mm1'] + r['mm2'] + r['cg1'] + r['cg2']) + r['rf']
    return r


def f1_scores(truth, pred, swap_support=True):
    """(macro F1, weighted F1, accuracy) of one 0/1 node.

    Classes absent from both lists are left out; a class with no true positive
    scores 0.  swap_support=True weights by predicted counts, as the released
    evaluation does (it passes the lists in the other order).
    """
    truth, pred = np.asarray(truth), np.asarray(pred)
    f, w = [], []
    for c in sorted(set(truth.tolist()) | set(pred.tolist())):
        tp = int(((truth == c) & (pred == c)).sum())
        nt, npd = int((truth == c).sum()), int((pred == c).sum())
        f.append(2.0 * tp / (nt + npd))
        w.append(npd if swap_support else nt)
    return float(np.mean(f)), float(np.dot(f, w) / sum(w)), float((truth == pred).mean())


def group_means(values):
    v = np.asarray(values, np.float64)
    return float(v[:10].mean()), float(v[10:37].mean()), float(v[37:].mean())


def to_tensor(rgb_u8):
    """(H,W,3) uint8, already resized -> (3,H,W) float32: v/255, minus 0.5, over 0.5."""
    t = torch.from_numpy(np.ascontiguousarray(rgb_u8.transpose(2, 0, 1))).float() / 255
    return (t - 0.5) / 0.5


# --------------------------------------------------------------------------
# 4. Building, randomising, writing
# --------------------------------------------------------------------------

@torch.no_grad()
def randomise(model, seed):
    """Fill every parameter and buffer from numpy's generator (stable across torch versions)."""
    g = np.random.default_rng(seed)

    def put(t, a):
        t.copy_(torch.from_numpy(np.asarray(a, np.float32).reshape(tuple(t.shape))))
    for name, m in model.named_modules():
        if isinstance(m, nn.Conv2d):
            fan = m.weight[0].numel()
            put(m.weight, g.standard_normal(m.weight.numel()) * (2.0 / fan) ** 0.5)
        elif isinstance(m, nn.Linear):
            # the x1000 sigmoid saturates at normal scale; keep test values in its slope
            s = 0.05 if 'corr_list' in name else 1.0
            put(m.weight, g.standard_normal(m.weight.numel()) * s * (1.5 / m.in_features) ** 0.5)
        elif isinstance(m, nn.BatchNorm2d):
            put(m.weight, g.uniform(0.5, 1.5, m.num_features))
            put(m.bias, g.standard_normal(m.num_features) * 0.1)
            put(m.running_mean, g.standard_normal(m.num_features) * 0.1)
            put(m.running_var, g.uniform(0.5, 1.5, m.num_features))
        if getattr(m, 'bias', None) is not None and not isinstance(m, nn.BatchNorm2d):
            put(m.bias, g.standard_normal(m.bias.numel()) * (0.001 if 'corr_list' in name else 0.05))
        if isinstance(m, Refine) or hasattr(m, 'corr_list'):
            put(m.a, g.standard_normal(m.a.numel()))
    return model


def make(cfg=None, seed=0):
    return randomise(LGPN(cfg), seed)


_DT = {torch.float32: 'F32', torch.int64: 'I64', torch.uint8: 'U8', torch.int32: 'I32'}
_NP = {'F32': np.float32, 'I64': np.int64, 'U8': np.uint8, 'I32': np.int32}


def save_safetensors(path, tensors, meta=None):
    """Own writer: u64 little-endian header length, JSON header (space padded to 8), raw data."""
    head, pos, blobs = {}, 0, []
    if meta:
        head['__metadata__'] = {k: str(v) for k, v in meta.items()}
    for name, t in tensors.items():
        t = t.detach().cpu().contiguous()
        raw = t.numpy().tobytes()
        head[name] = dict(dtype=_DT[t.dtype], shape=list(t.shape), data_offsets=[pos, pos + len(raw)])
        pos += len(raw)
        blobs.append(raw)
    js = json.dumps(head, separators=(',', ':')).encode()
    js += b' ' * (-len(js) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(js)) + js)
        for b in blobs:
            f.write(b)


def load_safetensors(path):
    with open(path, 'rb') as f:
        n, = struct.unpack('<Q', f.read(8))
        head = json.loads(f.read(n))
        data = f.read()
    out = {}
    for name, h in head.items():
        if name != '__metadata__':
            b, e = h['data_offsets']
            out[name] = torch.from_numpy(np.frombuffer(data[b:e], _NP[h['dtype']]).reshape(h['shape']).copy())
    return out


def sample_inputs(cfg, size, batch, seed):
    g = np.random.default_rng(seed + 1000)
    image = torch.from_numpy(g.standard_normal((batch, 3, size, size)).astype(np.float32))
    if cfg.nodes == N_NODES:
        tsv = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'models', 'red140.tsv')
        rows = read_tsv(tsv)
        a = cooccurrence([r['label'] for r in rows])[0]
        labels = torch.tensor([rows[int(i)]['label'] for i in g.integers(0, len(rows), batch)])
    else:
        a = (g.uniform(size=(cfg.nodes, cfg.nodes)) < 0.3).astype(np.float32)
        np.fill_diagonal(a, 1)
        labels = torch.from_numpy(g.integers(0, 2, (batch, cfg.nodes)))
    adj = torch.from_numpy(a)[None].repeat(batch, 1, 1)
    fake = torch.from_numpy((np.arange(batch) % 3 != 1).astype(np.int64))     # 1 0 1 1 0 1 ...
    labels = labels * fake[:, None]                                           # real images carry zeros
    return image, adj, labels, fake


def dump(cfg, out_dir, size, batch, seed, npy=False, lr=0.01, weight_decay=1e-6):
    os.makedirs(out_dir, exist_ok=True)
    model = make(cfg, seed)
    start = {k: v.clone() for k, v in model.state_dict().items()}
    image, adj, labels, fake = sample_inputs(cfg, size, batch, seed)
    targets = hierarchy_targets(membership(cfg.supers, cfg.nodes))
    case = {'in.image': image, 'in.adj': adj, 'in.labels': labels, 'in.fake': fake}
    for k, t in zip(('mm1', 'mm2', 'cg1', 'cg2'), targets):
        case['in.target_' + k] = t

    def record(tag, out, taps):
        for k, t in taps.items():
            case[tag + '.' + k] = t
        for k, t in zip(('mm1', 'mm2', 'cg1', 'cg2'), out[3]):
            case[tag + '.' + k] = t
        for i, t in enumerate(out[4][1:], 1):
            case['%s.adj%d' % (tag, i)] = t
    model.eval()
    with torch.no_grad():
        taps = {}
        record('eval', model(image, adj, taps), taps)
    model.train()
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    opt = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    taps = {}
    out = model(image, adj, taps)
    record('train', out, taps)
    for k, v in losses(out, labels, fake, targets).items():
        case['train.loss_' + k] = v.reshape(1)
        total = v
    total.backward()
    for n, p in model.named_parameters():
        if p.grad is not None:
            case['grad.' + n] = p.grad
    opt.step()
    for k, v in model.state_dict().items():
        if not torch.equal(v, start[k]):
            case['step.' + k] = v
    meta = dict(vars(cfg), size=size, batch=batch, seed=seed, lr=lr, weight_decay=weight_decay)
    save_safetensors(os.path.join(out_dir, 'weights.safetensors'), start, meta)
    save_safetensors(os.path.join(out_dir, 'case.safetensors'), case, meta)
    if npy:
        for k, t in case.items():
            if not k.startswith(('grad.', 'step.')):
                np.save(os.path.join(out_dir, k + '.npy'), t.detach().numpy())
    return start, case


@torch.no_grad()
def golden(cfg, out_dir, size, batch, seed):
    """A small test case: weights, and inputs and outputs under the names of models/lgpn.c."""
    os.makedirs(out_dir, exist_ok=True)
    model = make(cfg, seed).eval()
    image, adj, _, _ = sample_inputs(cfg, size, batch, seed)
    rf, logits, v, mats, _ = model(image, adj, taps := {})
    case = dict(image=image.permute(0, 2, 3, 1), graph=adj[0], real_fake=rf, node_logits=logits,
                node_features=v, feature=taps['feat'], **dict(zip(('mm1', 'mm2', 'cg1', 'cg2'), mats)))
    meta = dict(vars(cfg), size=size, batch=batch, seed=seed)
    save_safetensors(os.path.join(out_dir, 'weights.safetensors'), model.state_dict(), meta)
    save_safetensors(os.path.join(out_dir, 'case.safetensors'), case, meta)
    return case


def sampled(t, most=32):
    """Element i of the m that are kept is element i * n / m of the n there are, row-major."""
    flat = t.reshape(-1)
    m = min(most, flat.numel())
    return flat[[i * flat.numel() // m for i in range(m)]]


def with_values(model, v, fake, seed, case):
    """Regression heads beside the model: their parameters and targets into `case`, the loss out."""
    heads = ContinuousHead(model.cfg.dim)
    g = np.random.default_rng(seed + 2000)
    with torch.no_grad():
        for p in heads.parameters():
            p.copy_(torch.from_numpy(g.standard_normal(tuple(p.shape)) * 0.2))
    values = torch.from_numpy(g.uniform(size=(len(fake), 9)).astype(np.float32))
    values[:, 5] = float('nan')                                # a target that is not known
    case['values'] = values
    for name, p in heads.named_parameters():
        case['continuous.' + name] = p.detach().clone()
    heads = heads.double()
    known = fake.bool()[:, None] & ~values.isnan()
    return heads, (heads(v)[known] - values.double()[known]).abs().mean()


def adam_steps(cfg, seed, gradients, case, lr=0.01, weight_decay=1e-6):
    """Parameters after 1 and after 3 steps of Adam on the gradients as they are stored."""
    model = make(cfg, seed).double()
    opt = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    for step in (1, 2, 3):
        for name, p in model.named_parameters():
            p.grad = gradients[name].float().double() if name in gradients else None
        opt.step()
        if step != 2:
            for name, p in model.named_parameters():
                if name in gradients:
                    case['step%d.%s' % (step, name)] = sampled(p)


def training(cfg, out_dir, size, batch, seed, continuous, full):
    """Losses, gradients, running statistics and steps of the case that `golden` made, in float64;
    large tensors as samples."""
    image, adj, labels, fake = sample_inputs(cfg, size, batch, seed)
    case = dict(labels=labels.int(), fake=fake.int(), learning_rate=torch.tensor(0.01))
    model = make(cfg, seed).double().train()
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    start = {k: v.clone() for k, v in model.state_dict().items()}
    out = model(image.double(), adj.double())
    targets = [t.double() for t in hierarchy_targets(membership())]
    r = losses(out, labels, fake, targets)
    parts = dict(ce=r['ce'], hierarchy=r['mm1'] + r['mm2'] + r['cg1'] + r['cg2'], real_fake=r['rf'])
    parameters = list(model.named_parameters())
    if continuous:
        heads, parts['l1'] = with_values(model, out[2], fake, seed, case)
        parameters += [('continuous.' + n, p) for n, p in heads.named_parameters()]
    total = sum(parts.values())
    total.backward()
    case.update(loss=total, **{'loss_' + k: v for k, v in parts.items()})
    gradients = {n: p.grad for n, p in parameters if p.grad is not None}
    for n, g in gradients.items():
        case['grad.' + n] = g if full else sampled(g)
        if not full:
            case['largest.' + n] = g.abs().max()
    for k, v in model.state_dict().items():
        if not torch.equal(v, start[k]):
            case['step1.' + k] = v                             # the running statistics
    if full:
        adam_steps(cfg, seed, gradients, case)
    meta = dict(vars(cfg), size=size, batch=batch, seed=seed, lr=0.01, weight_decay=1e-6)
    case = {k: v.float() if v.dtype == torch.float64 else v for k, v in case.items()}
    save_safetensors(os.path.join(out_dir, 'training.safetensors'), case, meta)


def main():
    torch.set_num_threads(1)
    ap = argparse.ArgumentParser()
    ap.add_argument('what', choices=('dump', 'golden', 'training', 'graph', 'info'))
    ap.add_argument('--out', default='case')
    ap.add_argument('--size', type=int, default=32)
    ap.add_argument('--batch', type=int, default=2)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--width', type=int, default=8)
    ap.add_argument('--feat', type=int, default=32)
    ap.add_argument('--dim', type=int, default=16)
    ap.add_argument('--nodes', type=int, default=N_NODES)
    ap.add_argument('--supers', type=int, default=N_SUPER)
    ap.add_argument('--blocks', default='1,1,1,1')
    ap.add_argument('--npy', action='store_true')
    ap.add_argument('--continuous', action='store_true', help='with training: regression heads too')
    ap.add_argument('--full', action='store_true', help='with training: whole gradients, and steps')
    ap.add_argument('--list', action='store_true', help='with info: one line per tensor')
    ap.add_argument('--tsv', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'models', 'red140.tsv'))
    ap.add_argument('--thr', type=float, default=0.4)
    ap.add_argument('--cv', type=int, default=0, help='leave this test set out of the counts')
    o = ap.parse_args()
    cfg = Cfg(width=o.width, feat=o.feat, dim=o.dim, nodes=o.nodes, supers=o.supers,
              blocks=tuple(int(b) for b in o.blocks.split(',')))
    if o.what == 'dump':
        start, case = dump(cfg, o.out, o.size, o.batch, o.seed, o.npy)
        print('%d weight tensors, %d case tensors in %s' % (len(start), len(case), o.out))
        print({k[6:]: round(float(v), 6) for k, v in case.items() if k.startswith('train.loss')})
    elif o.what == 'golden':
        golden(cfg, o.out, o.size, o.batch, o.seed)
    elif o.what == 'training':
        training(cfg, o.out, o.size, o.batch, o.seed, o.continuous, o.full)
    elif o.what == 'graph':
        rows = [r for r in read_tsv(o.tsv) if o.cv == 0 or r['cv'] != o.cv]
        a, p = cooccurrence([r['label'] for r in rows], o.thr)
        y = np.array([r['label'] for r in rows])
        print('%d models, %d edges incl. self, %d nodes never set' % (len(rows), a.sum(), (y.sum(0) == 0).sum()))
        print('node counts', y.sum(0).tolist())
        print('out degree', a.sum(1).astype(int).tolist())
    else:
        m = LGPN(cfg)
        if o.list:
            lean = LGPN(Cfg(**dict(vars(cfg), dead=False))).state_dict()
            print('name\tdtype\tshape\tused')
            for k, v in m.state_dict().items():
                print('%s\t%s\t%s\t%d' % (k, _DT[v.dtype], ','.join(map(str, v.shape)), k in lean))
        else:
            print('%d tensors, %d parameters' % (len(m.state_dict()), sum(p.numel() for p in m.parameters())))


if __name__ == '__main__':
    main()
