"""What lgpnc costs besides time a run: building, memory, size, and the start of an executable."""
import os
import re
import shlex
import statistics
import subprocess
import time

import report
from contender import Failure

STARTS = 5


def run(command, log, may_fail=False):
    """-> (seconds, seconds of CPU, peak MiB) of a child; its output goes to the file `log`."""
    with open(log, 'w') as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 and not may_fail:
        raise Failure('exit code %d from "%s"; its output: %s' %
                      (child.returncode, ' '.join(command), log))
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def with_weights(o, model, folder):
    return [o.lgpnc, 'build', model, *shlex.split(o.options),
            '--weights', os.path.join(folder, 'weights.safetensors')]


def build(o, model, function, folder, artifact):
    """Makes the shared library that is measured; -> what that took. Training gets its weights when
    it starts, without dropout: the random numbers of the contenders differ."""
    command = with_weights(o, model, folder)
    if function != 'infer':
        command = [o.lgpnc, 'build', model, *shlex.split(o.options), '--function', function,
                   '--no-dropout']
    seconds, cpu, peak = run(command + ['--emit=shared', '-o', artifact],
                             os.path.join(folder, 'log-build'))
    return dict(options=o.options, seconds=seconds, cpu_seconds=cpu, peak_mebibytes=peak)


def text_bytes(path):
    """Executable code: the sections that `size -A` calls .text."""
    listing = subprocess.run(['size', '-A', path], capture_output=True, text=True, check=True)
    return sum(int(n) for n in re.findall(r'^\.text\S*\s+(\d+)', listing.stdout, re.M))


def starts(executable, photo, log, threads=2):
    """Medians: launch to the first image opened, launch to its prediction printed."""
    missing = photo + '.missing'    # all is set up by the time this is found out
    early = [run([executable, '--threads=%d' % threads, missing], log, may_fail=True)[0]
             for _ in range(STARTS)]
    whole = [run([executable, '--threads=%d' % threads, photo], log)[0] for _ in range(STARTS)]
    return statistics.median(early), statistics.median(whole)


def executable(o, model, folder):
    """Builds LGPN as one executable, which takes a picture; -> Markdown."""
    program, log = os.path.join(folder, 'lgpn'), os.path.join(folder, 'log-executable')
    seconds, cpu, peak = run(with_weights(o, model, folder) + ['-o', program], log)
    ready, whole = starts(program, o.photo, log)
    rows = (
        ('building the executable, weights built in', '%.1f s (%.1f s of CPU)' % (seconds, cpu)),
        ('most memory while building', '%.0f MiB' % peak),
        ('executable', '%.1f MB, of which code %.2f MB' % (os.path.getsize(program) / 1e6,
                                                          text_bytes(program) / 1e6)),
        ('launch of the executable to its first image, 2 threads', '%.0f ms' % (1e3 * ready)),
        ('launch to the printed prediction, 2 threads', '%.2f s' % whole),
    )
    return report.markdown_table((('`%s`' % model, 'l'), ('', 'l')), rows)
