"""What lgpnc costs besides time a run: building, memory, size, and the start of an executable."""
import os
import re
import resource
import statistics
import subprocess
import time

from contender import Failure

STARTS = 5


def run(command, log, may_fail=False):
    """-> (seconds, peak MiB) of a child; its output goes to the file `log`."""
    with open(log, 'w') as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 and not may_fail:
        raise Failure('exit code %d from "%s"; its output: %s' %
                      (child.returncode, ' '.join(command), log))
    return seconds, usage.ru_maxrss / 1024


def text_bytes(path):
    """Executable code: the sections that `size -A` calls .text."""
    listing = subprocess.run(['size', '-A', path], capture_output=True, text=True, check=True).stdout
    return sum(int(n) for n in re.findall(r'^\.text\S*\s+(\d+)', listing, re.M))


def workspace_bytes(artifact):
    """From the artifact's own table; the layout is that of runtime/artifact.h."""
    import ctypes

    class Entry(ctypes.Structure):
        _fields_ = [('name', ctypes.c_char_p), ('counts', ctypes.c_uint32 * 4),
                    ('inputs', ctypes.c_void_p), ('outputs', ctypes.c_void_p),
                    ('launches', ctypes.c_void_p), ('workspace_bytes', ctypes.c_uint64),
                    ('run', ctypes.c_void_p)]

    class Artifact(ctypes.Structure):
        _fields_ = [('abi', ctypes.c_uint32), ('bytes', ctypes.c_uint32),
                    ('compiler', ctypes.c_char_p), ('model', ctypes.c_char_p),
                    ('target', ctypes.c_char_p), ('entry_count', ctypes.c_uint32),
                    ('param_count', ctypes.c_uint32), ('entries', ctypes.POINTER(Entry)),
                    ('params', ctypes.c_void_p), ('packed_bytes', ctypes.c_uint64)]
    function = ctypes.CDLL(artifact).lgpnc_artifact
    function.restype = ctypes.POINTER(Artifact)
    table = function().contents
    if table.abi != 1:
        raise Failure('%s: artifact ABI %d, bench/lean.py knows 1' % (artifact, table.abi))
    infer = next(table.entries[i] for i in range(table.entry_count)
                 if table.entries[i].name == b'infer')
    return infer.workspace_bytes, table.packed_bytes, table.target.decode()


def starts(executable, photo, log, threads=2):
    """Medians: launch to the first image opened, launch to its prediction printed."""
    missing = photo + '.missing'    # all is set up by the time this is found out
    early = [run([executable, '--threads=%d' % threads, missing], log, may_fail=True)[0]
             for _ in range(STARTS)]
    whole = [run([executable, '--threads=%d' % threads, photo], log)[0] for _ in range(STARTS)]
    return statistics.median(early), statistics.median(whole)


def measure(o):
    """Builds the artifact that is compared, and the executable; -> Markdown."""
    build = [o.lgpnc, 'build', o.model, '--weights', os.path.join(o.folder, 'weights.safetensors')]
    executable = os.path.join(o.folder, 'lgpn')
    log = os.path.join(o.folder, 'log-build')
    run(build + ['--emit=shared', '-o', o.artifact], log)
    seconds, peak = run(build + ['-o', executable], log)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run(build + ['-o', executable], log)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    workspace, packed, target = workspace_bytes(o.artifact)
    ready, whole = starts(executable, o.photo, log)
    rows = (
        ('building the executable, weights built in', '%.1f s (%.1f s of CPU)' % (seconds, cpu)),
        ('most memory while building', '%.0f MiB' % peak),
        ('executable', '%.1f MB, of which code %.2f MB, packed weights %.1f MB' %
         (os.path.getsize(executable) / 1e6, text_bytes(executable) / 1e6, packed / 1e6)),
        ('workspace', '%.1f MB' % (workspace / 1e6)),
        ('launch of the executable to its first image, 2 threads', '%.0f ms' % (1e3 * ready)),
        ('launch to the printed prediction, 2 threads', '%.2f s' % whole),
    )
    lines = ['| %s for %s | |' % (o.model, target), '| --- | --- |']
    return '\n'.join(lines + ['| %s | %s |' % row for row in rows])
