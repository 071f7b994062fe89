"""A contender as bench/compare.py sees it: a process that runs the network when told."""
import os
import re
import select
import signal
import subprocess
import time

START_SECONDS = 180     # launch to ready, and the first run
RUN_SECONDS = 60


class Failure(Exception):
    """What could not be done; the text says why, without the names of anybody's folders."""


def public(text, most=160):
    """A reason that can stand in a table: one line without folders and addresses."""
    text = re.sub(r'\w+://\S+', '', text)
    text = re.sub(r'(?<![\w.])/(?:[^\s/:"\')]+/)+', '', text)
    text = ' '.join(text.split()).replace('|', '/')
    return text if len(text) <= most else text[:most - 1] + '…'


def last_words(log):
    """The last line of a log that says something."""
    with open(log, errors='replace') as f:
        lines = [line.strip() for line in f
                 if re.search(r'\w\w', line) and not line.lstrip().startswith('File ')]
    errors = [line for line in lines[-5:] if re.search(r'error|cannot', line, re.I)]
    return (errors or lines or [''])[-1]


def death(code, log):
    how = 'killed by signal %d' % -code if code < 0 else 'exit code %d' % code
    words = last_words(log)
    raised = re.match(r'[\w.]*(?:Error|Exception): (.*)', words)
    if raised and code == 1:
        return public(raised[1])
    return public('%s (%s)' % (words, how) if words else how)


def run_limited(command, log, seconds, environment):
    """Runs it to its end; Failure if that is not good or takes longer."""
    with open(log, 'w') as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 env=environment, start_new_session=True)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure('not ready to run after %d s of compiling' % seconds) from None
        finally:
            kill_group(child)
    if code != 0:
        raise Failure(death(code, log))


def kill_group(child):
    """Ends it and the processes that it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


class Contender:
    def __init__(self, name, title, command, log, environment=None):
        self.name, self.title, self.log = name, title, log
        self.seconds = []
        launch = time.perf_counter()
        with open(log, 'w') as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=stderr, env=environment, start_new_session=True)
        try:
            self.answer(START_SECONDS)
            self.ready = time.perf_counter() - launch   # launch to where the first run begins
            self.ask('run', START_SECONDS)
            self.first = time.perf_counter() - launch   # launch to the first result
        except Failure:
            self.close()
            raise

    def answer(self, limit):
        line, end = b'', time.monotonic() + limit
        while not line.endswith(b'\n'):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failure('no answer for %d s' % limit)
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise Failure(death(self.process.wait(), self.log))
            line += part
        return line.decode().strip()

    def ask(self, line, limit=RUN_SECONDS):
        try:
            self.process.stdin.write(line.encode() + b'\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass        # answer() reports it
        return self.answer(limit)

    def run(self):
        return float(self.ask('run'))

    def facts(self):
        """-> {name: text}; model_bytes at least."""
        words = self.ask('facts').split()
        return dict(zip(words[::2], words[1::2]))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        kill_group(self.process)
        self.process.stdout.close()

    def worst_disagreement(self, expected, folder):
        """(error relative to the tensor's maximum, tensor) over all outputs.

        cg* are sigmoids of 1000 times a matmul: an error of their logit grows 250 times, so
        theirs counts 1/250.
        """
        import numpy as np
        os.makedirs(folder, exist_ok=True)
        for file in os.listdir(folder):
            os.remove(os.path.join(folder, file))
        self.ask('write ' + folder)
        errors = []
        for file in sorted(os.listdir(expected)):
            want, got = np.load(os.path.join(expected, file)), np.load(os.path.join(folder, file))
            name = file.removesuffix('.npy')
            if got.shape != want.shape or not np.isfinite(got).all():
                return float('inf'), name
            error = np.abs(got - want).max() / np.abs(want).max()
            errors.append((error / 250 if name.startswith('cg') else error, name))
        return max(errors)
