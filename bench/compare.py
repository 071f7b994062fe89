#!/usr/bin/env python3
"""lgpnc beside its peers: the same network, weights and inputs, measured in turns.

Every contender is a process of its own that stays up; a round runs each once, one after the other,
so that a drift of the machine meets all of them. bench/run.sh prepares what this needs and calls
it.
"""
import argparse
import os
import subprocess
import sys
import time

import lean
import machine
from contender import Contender, Failure, ratios

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PAGE = os.path.join(ROOT, 'docs', 'performance.md')
BASE = 'onnxruntime'
AGREES = 1e-4
# Between turns: lgpnc, OpenMP and ONNX Runtime let their threads spin for a while after a run.
REST = 0.1

# name, title with the version, what to import, taken by default
PEERS = (
    ('onnxruntime', 'ONNX Runtime %s', 'onnxruntime', True),
    ('openvino', 'OpenVINO %s', 'openvino', True),
    ('torch', 'PyTorch %s eager', 'torch', True),
    ('torch-channels-last', 'PyTorch %s eager, channels last', 'torch', True),
    ('torch-compile', 'PyTorch %s Inductor', 'torch', False),
)


def version(module):
    """Its version, or None where it is not installed."""
    code = 'import %s as m; print(m.__version__.split("-")[0].split("+")[0])' % module
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def contenders_of(o):
    """-> [(name, title, command)], lgpnc first; peers that are not installed are told."""
    listed = [('lgpnc', 'lgpnc', [o.worker, o.artifact, os.path.join(o.folder, 'nhwc')])]
    wanted = o.contenders.split(',') if o.contenders else None
    for name, title, module, default in PEERS:
        if name != BASE and not (name in wanted if wanted else default):
            continue
        installed = version(module)
        if installed:
            listed.append((name, title % installed,
                           [sys.executable, os.path.join(HERE, 'peer_worker.py'), name, o.folder]))
        else:
            print('%s is not installed: left out' % name, file=sys.stderr)
    if not any(name == BASE for name, _, _ in listed):
        raise Failure('ONNX Runtime cannot be imported; bench/run.sh installs it')
    return listed


def check(contender, o):
    error, tensor = contender.worst_disagreement(os.path.join(o.folder, 'expected'),
                                                 os.path.join(o.folder, 'out', contender.name))
    print('  %-22s %.1e of the maximum, worst in %s' % (contender.name, error, tensor))
    if not error <= AGREES:
        raise Failure('%s: %s differs from the reference by %.1e of its maximum, more than %.0e' %
                      (contender.name, tensor, error, AGREES))


def measure(o, threads):
    """One table: -> (rows, cores kept busy by others)."""
    running = []
    try:
        print('%d thread%s; outputs against the reference:' % (threads, 's'[:threads != 1]))
        for name, title, command in contenders_of(o):
            log = os.path.join(o.folder, 'log-' + name)
            running.append(Contender(name, command + [str(threads)], log))
            running[-1].title = title
            check(running[-1], o)
        others = machine.Others([c.process.pid for c in running] + [os.getpid()])
        for number in range(1, o.rounds + 1):
            for contender in running:
                time.sleep(REST)
                contender.measure()
            print('  round %d of %d: %s' % (number, o.rounds, ', '.join(
                '%s %.0f ms' % (c.name, 1e3 * c.seconds[-1]) for c in running)), flush=True)
        base = next(c for c in running if c.name == BASE)
        rows = [(c.title, 1e3 * c.median(), 1e3 * min(c.seconds), ratios(c, base),
                 c.peak_mebibytes(), c.ready, c.first) for c in running]
        return rows, others.cores()
    finally:
        for contender in running:
            contender.close()


def table(rows):
    lines = ['| | median ms | best ms | time / ONNX Runtime (quartiles) | peak MiB | launch to ready s |'
             ' launch to first result s |', '| --- | ---: | ---: | --- | ---: | ---: | ---: |']
    for title, median, best, (low, middle, high), peak, ready, first in rows:
        lines.append('| %s | %.0f | %.0f | %.2f (%.2f–%.2f) | %.0f | %.2f | %.2f |' %
                     (title, median, best, middle, low, high, peak, ready, first))
    return '\n'.join(lines)


def report(o, tables):
    lines = ['%s, commit %s; %s.' % (o.model, machine.revision(ROOT) or 'unknown', machine.describe()),
             '']
    for threads, rows, others in tables:
        lines += ['**%d thread%s**, %d rounds; meanwhile other processes kept %.1f cores busy:' %
                  (threads, 's'[:threads != 1], o.rounds, others), '', table(rows), '']
    return '\n'.join(lines)


def update(page, name, text):
    """Puts `text` between <!-- name: begin --> and <!-- name: end --> of the page."""
    begin, end = '<!-- %s: begin -->\n' % name, '<!-- %s: end -->' % name
    with open(page) as f:
        before, found, rest = f.read().partition(begin)
    after = rest.partition(end)
    if not found or not after[1]:
        raise Failure('%s: no lines "%s" and "%s"' % (page, begin.strip(), end))
    with open(page, 'w') as f:
        f.write(before + begin + text.rstrip('\n') + '\n' + end + after[2])


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--folder', required=True, help='what bench/export.py wrote')
    p.add_argument('--model', required=True, help='the same network as lgpnc names it')
    p.add_argument('--lgpnc', required=True, help='the compiler')
    p.add_argument('--worker', required=True, help='bench_artifact')
    p.add_argument('--photo', required=True, help='an image file, for the executable')
    p.add_argument('--threads', default='2', help='a number or several: 2,1')
    p.add_argument('--rounds', type=int, default=9)
    p.add_argument('--contenders', help='peers to run: ' + ', '.join(n for n, *_ in PEERS))
    p.add_argument('--update', action='store_true', help='write the tables into docs/performance.md')
    o = p.parse_args()
    o.artifact = os.path.join(o.folder, 'lgpn.so')
    try:
        footprint = lean.measure(o)
        print(footprint)
        tables = [(n, *measure(o, n)) for n in map(int, o.threads.split(','))]
        text = report(o, tables)
        print('\n' + text)
        if o.update:
            update(PAGE, 'comparison', text)
            update(PAGE, 'footprint', footprint)
            print('written to ' + os.path.relpath(PAGE))
    except Failure as failure:
        sys.exit('bench: %s' % failure)


if __name__ == '__main__':
    main()
