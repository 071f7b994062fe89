#!/usr/bin/env python3
"""Checks the comparison without measuring: statistics, tables, failing contenders. No packages."""
import os
import sys
import tempfile
import unittest

import contender
import networks
import peers
import report

HERE = os.path.dirname(os.path.abspath(__file__))


def measured(name, seconds, ours=False):
    return dict(name=name, title=name, ours=ours, seconds=seconds, ready=0.01, first=0.2,
                peak_mebibytes=100.0, model_bytes=5e6)


def measurement():
    return dict(threads=2, base='onnxruntime', probe=[0.010, 0.008, 0.016], others=0.25,
                stolen=0.01, left_out=[('ncnn', 'has no batches')], contenders=[
                    measured('lgpnc-2', [1.0, 2.0, 4.0], ours=True),
                    measured('lgpnc-1', [1.5, 4.0, 10.0], ours=True),
                    measured('slow', [3.0, 6.0, 12.0]),
                    measured('onnxruntime', [2.0, 4.0, 6.0]),
                    measured('fast', [1.6, 3.2, 6.4])])


class Reports(unittest.TestCase):
    def test_quartiles(self):
        self.assertEqual(report.quartiles([3.0]), (3.0, 3.0, 3.0))
        self.assertEqual(report.quartiles([5.0, 1.0, 3.0, 2.0, 4.0]), (2.0, 3.0, 4.0))

    def test_speeds_are_taken_round_by_round(self):
        m = measurement()
        ours, base = m['contenders'][0], m['contenders'][3]
        self.assertEqual(report.speeds(ours, base), [2.0, 2.0, 1.5])

    def test_best_peer_is_never_ours(self):
        m = measurement()
        self.assertEqual(report.best_peer(m['contenders'], m['contenders'][3])['name'], 'fast')

    def test_table(self):
        lines = report.table(measurement()).split('\n')
        rows = [line for line in lines if line.startswith('| ')]
        self.assertEqual([row.split(' | ')[0] for row in rows[2:]],
                         ['| lgpnc-2', '| lgpnc-1', '| fast', '| onnxruntime', '| slow'])
        self.assertIn('| 2.00 (1.75–2.00) | 1.60 |', rows[2])
        self.assertEqual({row.count('|') for row in rows}, {len(report.head('')) + 1})
        self.assertIn('80% (median) and 50% (worst)', lines[0])
        text = '\n'.join(lines)
        self.assertIn('Best peer: fast. lgpnc, all threads beside one: 2.00 times', text)
        self.assertIn('- ncnn: has no batches', text)

    def test_replace_block(self):
        page = 'a\n<!-- t: begin -->\nold\n<!-- t: end -->\nb <!-- u: begin -->\n'
        self.assertEqual(report.replace_block(page, 't', 'new\n\n'),
                         'a\n<!-- t: begin -->\nnew\n<!-- t: end -->\nb <!-- u: begin -->\n')
        self.assertIsNone(report.replace_block(page, 'u', 'new'))
        self.assertIsNone(report.replace_block(page, 'v', 'new'))

    def test_page_has_a_block_a_network(self):
        with open(os.path.join(HERE, '..', 'docs', 'performance.md')) as f:
            page = f.read()
        for name in [*networks.NETWORKS, *networks.TRAINING, 'footprint']:
            self.assertIsNotNone(report.replace_block(page, name, ''), name)


class Networks(unittest.TestCase):
    def test_choose(self):
        self.assertEqual(len(networks.choose('all')),
                         len(networks.NETWORKS) + len(networks.TRAINING))
        self.assertEqual(networks.choose('lgpn-64;resnet:batch=2'),
                         [('lgpn-64', 'lgpn:image=64'), ('resnet:batch=2', 'resnet:batch=2')])
        self.assertEqual(networks.choose('train:lgpn:batch=2'),
                         [('train:lgpn:batch=2', 'lgpn:batch=2')])
        self.assertEqual([networks.function(n) for n in ('lgpn-64', 'train-lgpn-64', 'train:x')],
                         ['infer', 'train_step', 'train_step'])
        for wrong in 'lgpn-65', 'lgpn:size=2', 'resnet:batch=x', 'train:', '':
            with self.assertRaises(ValueError):
                networks.choose(wrong)

    def test_parse(self):
        kind, options = networks.parse('lgpn:image=32,blocks=1-1-1-1')
        self.assertEqual((kind, options['image'], options['blocks'], options['batch']),
                         ('lgpn', 32, '1-1-1-1', 1))


class Peers(unittest.TestCase):
    def test_table(self):
        import environments
        names = [p.name for p in peers.PEERS]
        self.assertEqual(len(set(names)), len(names))
        for fit in peers.FIT.values():
            self.assertLessEqual(set(fit), set(names))
        chosen = peers.choose(['openvino', 'inductor'], 'train_step')
        self.assertEqual([p.name for p in chosen], ['torch', 'inductor'])
        for peer in peers.PEERS:
            self.assertIn(peer.environment, environments.PACKAGES)
            self.assertEqual(peer.title.count('%s'), 1)
            module = os.path.join(HERE, 'peers', peer.module + '.py')
            with open(module) as f:
                text = f.read()
            for function in 'def start(task)', 'def files(task)':
                self.assertIn(function, text, peer.name)


class Contenders(unittest.TestCase):
    def launch(self, code):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return contender.Contender('x', 'x', [sys.executable, '-c', code],
                                   os.path.join(folder.name, 'log'))

    def test_protocol(self):
        c = self.launch('print("ready", flush=True)\n'
                        'import sys\n'
                        'for line in sys.stdin: print("0.5" if line == "run\\n" else "a 1 b 2",'
                        ' flush=True)')
        self.assertEqual((c.run(), c.facts()), (0.5, {'a': '1', 'b': '2'}))
        self.assertLessEqual(c.ready, c.first)
        c.close()

    def test_death_is_told(self):
        for code, told in (('raise RuntimeError("no /home/me/x.onnx")', 'no x.onnx'),
                           ('import os; os.abort()', 'killed by signal 6'),
                           ('raise SystemExit(3)', 'exit code 3')):
            with self.assertRaises(contender.Failure) as caught:
                self.launch(code)
            self.assertEqual(str(caught.exception), told)

    def test_silence_is_ended(self):
        with self.assertRaises(contender.Failure) as caught:
            contender.run_limited([sys.executable, '-c', 'import time; time.sleep(60)'],
                                  os.devnull, 0.2, None)
        self.assertIn('not ready to run', str(caught.exception))

    def test_public_text(self):
        self.assertEqual(contender.public('at https://a.b/c in /a/b/c.py:3,\n x|y'),
                         'at in c.py:3, x/y')
        self.assertEqual(len(contender.public('w' * 300)), 160)


if __name__ == '__main__':
    unittest.main()
