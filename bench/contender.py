"""A contender as bench/compare.py sees it: a process that runs the network when told."""
import os
import statistics
import subprocess
import time

import numpy as np


class Failure(Exception):
    """A contender that could not be started or died; the text says which and where to look."""


class Contender:
    def __init__(self, name, command, log):
        self.name, self.log, self.seconds = name, log, []
        launch = time.perf_counter()
        with open(log, 'w') as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=stderr, text=True)
        self.answer()
        self.ready = time.perf_counter() - launch       # launch to where the first run begins
        self.ask('run')
        self.first = time.perf_counter() - launch       # launch to the first result

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise Failure('%s: ended with exit code %s; its messages: %s' %
                          (self.name, self.process.returncode, self.log))
        return line.strip()

    def ask(self, line):
        try:
            self.process.stdin.write(line + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass        # answer() reports it
        return self.answer()

    def measure(self):
        self.seconds.append(float(self.ask('run')))

    def peak_mebibytes(self):
        return int(self.ask('memory')) / 1024

    def median(self):
        return statistics.median(self.seconds)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def worst_disagreement(self, expected, folder):
        """(error relative to the tensor's maximum, tensor) over all outputs.

        cg* are sigmoids of 1000 times a matmul: an error of their logit grows 250 times, so
        theirs counts 1/250.
        """
        os.makedirs(folder, exist_ok=True)
        self.ask('write ' + folder)
        errors = []
        for file in sorted(os.listdir(expected)):
            want, got = np.load(os.path.join(expected, file)), np.load(os.path.join(folder, file))
            if got.shape != want.shape or not np.isfinite(got).all():
                return float('inf'), file
            error = np.abs(got - want).max() / np.abs(want).max()
            errors.append((error / 250 if file.startswith('cg') else error, file))
        return max(errors)


def ratios(contender, base):
    """Quartiles of the ratio of times round by round: drift of the machine cancels."""
    each = [a / b for a, b in zip(contender.seconds, base.seconds)]
    low, middle, high = statistics.quantiles(each, n=4, method='inclusive') if len(each) > 1 \
        else each * 3
    return low, middle, high
