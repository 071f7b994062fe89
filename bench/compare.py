#!/usr/bin/env python3
"""lgpnc beside its peers: the same network, weights and inputs, measured in turns.

Every contender is a process of its own that stays up; a round runs each once, one after the other,
so that a drift of the machine meets all of them. A peer that does not install, compile, agree with
the reference or answer is left out, and the report says why. bench/run.sh calls it.
"""
import argparse
import hashlib
import json
import os
import platform
import shutil
import signal
import sys
import time

import environments
import lean
import machine
import networks
import peers
import report
from contender import Contender, Failure, public, run_limited

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PAGE = os.path.join(ROOT, 'docs', 'performance.md')
WORKER = os.path.join(HERE, 'peer_worker.py')
AGREES = 1e-4
# Between turns: the threads of a contender spin for a while after its run.
REST = 0.1
# A peer that is slower than the base by this factor would take most of the time of a round.
SLOW = 10


def file_hash(*paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, 'rb') as f:
            digest.update(f.read())
    return digest.hexdigest()[:16]


def stamped(path):
    """What was noted when something was made; '' if it was not."""
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return ''


class Comparison:
    """One network: what is exported for it and built from it, and its measurements."""

    def __init__(self, o, name, model, installed):
        self.o, self.name, self.model, self.installed = o, name, model, installed
        self.function = networks.function(name)
        self.peers = peers.choose(o.peers, self.function)
        self.base = self.peers[0]
        self.folder = os.path.join(o.folder, networks.folder_name(name))
        self.artifact = os.path.join(self.folder, 'network.so')
        self.reasons = {}   # title -> why it is left out of the table at hand
        os.makedirs(self.folder, exist_ok=True)

    def export(self):
        """Weights, inputs, outputs, ONNX: by PyTorch, unless they are there from these sources."""
        python, reason = self.installed.python('torch')
        if not python:
            raise Failure('the reference needs PyTorch: %s' % reason)
        goldens = os.path.join(ROOT, 'tests', 'goldens')
        self.key = self.model + ' ' + self.function + ' ' + file_hash(
            os.path.join(HERE, 'export.py'), os.path.join(HERE, 'networks.py'),
            os.path.join(goldens, 'lgpn_ref.py'), os.path.join(goldens, 'resnet_ref.py'))
        stamp = os.path.join(self.folder, 'exported')
        if stamped(stamp) == self.key:
            return
        print('Exporting weights, inputs, expected outputs, ONNX', flush=True)
        run_limited([python, os.path.join(HERE, 'export.py'), '--out', self.folder, '--model',
                     self.model, '--function', self.function],
                    os.path.join(self.folder, 'log-export'), 600, environment(0))
        if self.function == 'infer':
            self.fold()
        with open(stamp, 'w') as f:
            f.write(self.key)

    def fold(self):
        """folded.onnx: shapes computed, for those that want them constant."""
        import onnx
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = path = os.path.join(self.folder, 'folded.onnx')
        options.log_severity_level = 3
        ort.InferenceSession(os.path.join(self.folder, 'network.onnx'), options,
                             providers=['CPUExecutionProvider'])
        model = onnx.load(path)
        for opset in list(model.opset_import):
            if opset.domain:    # ONNX Runtime's own, of which this level uses none
                model.opset_import.remove(opset)
        onnx.save(model, path)

    def prepared(self, peer, threads):
        """-> (its Python, its folder), compiled ahead of time where it does that."""
        python, reason = self.installed.python(peer.environment)
        if not python:
            raise Failure(public(reason))
        work = os.path.join(self.folder, 'peers', '%s-%d' % (peer.name, threads))
        key = '%s %s %s' % (self.key, self.installed.version(peer.environment, peer.package),
                            file_hash(os.path.join(HERE, 'peers', peer.module + '.py')))
        key_of_failure = '%s, %d s' % (key, self.o.compile_seconds)
        stamp = work + '.prepared'
        known, _, reason = stamped(stamp).partition('\n')
        if known not in (key, key_of_failure):
            shutil.rmtree(work, ignore_errors=True)
            os.makedirs(work)
            try:
                run_limited([python, WORKER, 'prepare', peer.name, self.folder, work, str(threads)],
                            work + '.log', self.o.compile_seconds, environment(threads, work))
                known, reason = key, ''
            except Failure as failure:  # it would take as long the next time
                known, reason = key_of_failure, str(failure)
            with open(stamp, 'w') as f:
                f.write(known + '\n' * bool(reason) + reason)
        if reason:
            raise Failure(reason)
        return python, work

    def title(self, peer):
        """With its version, once it is installed."""
        if not self.installed.python(peer.environment)[0]:
            return peer.title.replace(' %s', '')
        return peer.title % self.installed.version(peer.environment, peer.package)

    def ours(self, title, threads):
        return Contender('lgpnc-%d' % threads, title,
                         [self.o.worker, self.artifact, os.path.join(self.folder, 'nhwc'),
                          str(threads), self.function,
                          os.path.join(self.folder, 'weights.safetensors')],
                         os.path.join(self.folder, 'log-lgpnc-%d' % threads))

    def peer(self, peer, threads):
        python, work = self.prepared(peer, threads)
        return Contender(peer.name, self.title(peer),
                         [python, WORKER, 'start', peer.name, self.folder, work, str(threads)],
                         work + '.log', environment(threads, work))

    def check(self, contender):
        """Failure if its outputs are not the reference's."""
        error, tensor = contender.worst_disagreement(
            os.path.join(self.folder, 'expected'),
            os.path.join(self.folder, 'out', contender.name))
        print('  %-40s %.1e of the maximum, worst in %s' % (contender.title, error, tensor),
              flush=True)
        if not error <= AGREES:
            raise Failure('%s differs from the reference by %.1e of its maximum, more than %.0e' %
                          (tensor, error, AGREES))

    def leave_out(self, title, failure):
        self.reasons[title] = str(failure)
        print('  %-40s left out: %s' % (title, failure), flush=True)

    def enter(self, threads):
        """-> all contenders up and checked, lgpnc first."""
        running = []
        for count in (threads, 1) if threads > 1 else (1,):
            running.append(self.ours('lgpnc' + ', 1 thread' * (count != threads), count))
            self.check(running[-1])
        limit = float('inf')
        for peer in self.peers:
            contender = None
            try:
                contender = self.peer(peer, threads)
                self.check(contender)
                seconds = min(contender.run(), contender.run())
                if seconds > limit:
                    raise Failure('%.2f s a run, more than %d times that of %s' %
                                  (seconds, SLOW, self.title(self.base)))
                if peer is self.base:
                    limit = SLOW * seconds
                running.append(contender)
            except (Failure, OSError, ValueError) as failure:
                if contender:
                    contender.close()
                if peer is self.base:
                    raise Failure('%s: %s' % (self.title(peer), failure)) from None
                self.leave_out(self.title(peer), failure)
        return running

    def rounds(self, running):
        """Fills their seconds; -> seconds of the probe in each round."""
        probe, needed = [], (running[0].name, self.base.name)
        for number in range(1, self.o.rounds + 1):
            probe.append(float(running[0].ask('probe')))
            for contender in list(running):
                time.sleep(REST)
                try:
                    contender.seconds.append(contender.run())
                except Failure as failure:
                    contender.close()
                    running.remove(contender)
                    self.leave_out(contender.title, 'round %d: %s' % (number, failure))
                    if contender.name in needed:
                        raise
            print('  round %d of %d: %s' % (number, self.o.rounds, ', '.join(
                '%s %s' % (c.name, report.milliseconds(c.seconds[-1])) for c in running)),
                flush=True)
        return probe

    def measure(self, threads):
        """One table."""
        print('%s, %s; outputs against the reference:' %
              (self.name, report.plural(threads, 'thread')), flush=True)
        self.reasons, running = {}, []
        try:
            running = self.enter(threads)
            watch = machine.Watch([c.process.pid for c in running] + [os.getpid()])
            probe = self.rounds(running)
            others, stolen = watch.shares()
            return dict(threads=threads, base=self.base.name, probe=probe, others=others,
                        stolen=stolen, left_out=list(self.reasons.items()), contenders=[
                            dict(name=c.name, title=c.title, ours=c.name.startswith('lgpnc'),
                                 seconds=c.seconds, ready=c.ready, first=c.first,
                                 peak_mebibytes=machine.peak_mebibytes(c.process.pid),
                                 model_bytes=int(c.facts()['model_bytes'])) for c in running])
        finally:
            for contender in running:
                contender.close()

    def result(self):
        self.export()
        print('Building lgpnc\'s', flush=True)
        build = lean.build(self.o, self.model, self.function, self.folder, self.artifact)
        started = self.ours('lgpnc', max(self.o.threads))
        build.update((k, int(v) if v.isdigit() else v) for k, v in started.facts().items())
        started.close()
        found = dict(name=self.name, model=self.model, title=networks.title(self.name),
                     commit=machine.revision(ROOT) or 'unknown', machine=machine.describe(),
                     software='Python %s, Linux %s' % (platform.python_version(),
                                                       platform.release().split('-')[0]),
                     build=build, measurements=[])
        for threads in self.o.threads:
            found['measurements'].append(self.measure(threads))
        with open(os.path.join(self.folder, 'results.json'), 'w') as f:
            json.dump(found, f, indent=1)
        return found


def environment(threads, work=None):
    """Of a peer's process: what it compiles at run time stays in its folder."""
    settings = dict(os.environ, PYTHONDONTWRITEBYTECODE='1', CUDA_VISIBLE_DEVICES='')
    if threads:
        settings['OMP_NUM_THREADS'] = str(threads)
    if work:
        settings.update(TORCHINDUCTOR_CACHE_DIR=os.path.join(work, 'inductor'),
                        XDG_CACHE_HOME=os.path.join(work, 'cache'))
    return settings


def update(blocks):
    """Writes each text into its block of docs/performance.md."""
    with open(PAGE) as f:
        page = f.read()
    for name, text in blocks:
        changed = report.replace_block(page, name, text)
        if changed is None:
            print('%s has no block "%s": not written' % (os.path.relpath(PAGE), name),
                  file=sys.stderr)
        page = changed or page
    with open(PAGE, 'w') as f:
        f.write(page)
    print('written to ' + os.path.relpath(PAGE))


def options():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--folder', required=True, help='for all that is made')
    p.add_argument('--python', required=True, help='the Python that makes environments')
    p.add_argument('--lgpnc', required=True, help='the compiler')
    p.add_argument('--worker', required=True, help='bench_artifact')
    p.add_argument('--photo', required=True, help='an image for the executable')
    p.add_argument('--network', default='lgpn-256', type=networks.choose)
    p.add_argument('--threads', default='2', type=lambda t: [int(n) for n in t.split(',')])
    p.add_argument('--rounds', type=int, default=9)
    p.add_argument('--peers', default='all', type=choose_peers)
    p.add_argument('--options', default='', help='more of `lgpnc build`')
    p.add_argument('--compile-seconds', type=int, default=300)
    p.add_argument('--update', action='store_true', help='write into docs/performance.md')
    o = p.parse_args()
    if o.rounds < 1 or min(o.threads) < 1:
        p.error('at least one round and one thread')
    return o


def choose_peers(text):
    """-> names of rows of the table."""
    names = [p.name for p in peers.PEERS] if text == 'all' else text.split(',')
    known = [p.name for p in peers.PEERS]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError('%s is not one of %s' % (name, ', '.join(known)))
    return names


def main():
    o = options()
    # contenders are ended on the way out
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    installed = environments.Environments(os.path.join(o.folder, 'environments'), o.python)
    try:
        for name, model in o.network:
            comparison = Comparison(o, name, model, installed)
            blocks = [(name, report.section(comparison.result()))]
            if name == 'lgpn-256':
                blocks.append(('footprint', lean.executable(o, model, comparison.folder)))
            print('\n' + '\n'.join(text for _, text in blocks), flush=True)
            if o.update:    # at once: the next network may fail
                update(blocks)
    except Failure as failure:
        sys.exit('bench: %s' % failure)


if __name__ == '__main__':
    main()
