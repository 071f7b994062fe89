"""What a measurement ran on, and how busy others kept it meanwhile."""
import os
import re
import subprocess


def _read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ''


def _caches():
    """'L1d 48K, L2 2048K, L3 307200K', of the first core."""
    found, base = {}, '/sys/devices/system/cpu/cpu0/cache/'
    for index in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        level, kind, size = (_read(base + index + '/' + f).strip()
                             for f in ('level', 'type', 'size'))
        if level and kind != 'Instruction':
            found['L%s%s' % (level, 'd' if kind == 'Data' else '')] = size
    return ', '.join('%s %s' % item for item in found.items())


def describe():
    cpuinfo = _read('/proc/cpuinfo')
    fields = dict(re.findall(r'^([\w ]+?)\s*: (.*)$', cpuinfo, re.M)[::-1])
    flags = fields.get('flags', '').split()
    vectors = (('amx_bf16', 'AVX-512 and AMX'), ('avx512f', 'AVX-512'), ('avx2', 'AVX2'),
               ('asimd', 'NEON'))
    vector = next((name for flag, name in vectors if flag in flags), 'no vectors known')
    model = '%s (family %s, model %s)' % (fields.get('model name', 'unknown CPU'),
                                          fields.get('cpu family', '?'), fields.get('model', '?'))
    memory = int((re.search(r'MemTotal:\s*(\d+)', _read('/proc/meminfo')) or [0, 0])[1])
    return '%s, %d cores%s, %s, %s, %.0f GB memory' % (
        model, os.cpu_count() or 1, ' of a virtual machine' if 'hypervisor' in flags else '',
        vector, _caches(), memory / 1e6)


class Watch:
    """From construction on: what anything but the processes `ids` took of this machine."""

    def __init__(self, ids):
        self.ids, self.tick = ids, os.sysconf('SC_CLK_TCK')
        self.start = self._now()

    def _now(self):
        own = 0
        for process in self.ids:
            stat = _read('/proc/%d/stat' % process)
            own += sum(int(t) for t in stat.rpartition(')')[2].split()[11:13])
        times = [int(t) for t in _read('/proc/stat').split('\n')[0].split()[1:]]
        busy = sum(times[:3]) + sum(times[5:7])     # all but idle and waiting for disks
        return float(_read('/proc/uptime').split()[0]), busy, own, times[7]

    def shares(self):
        """-> (cores kept busy by others here, part of the time that the host gave to others)."""
        uptime, busy, own, stolen = (b - a for a, b in zip(self.start, self._now()))
        seconds = max(uptime, 1e-3)
        return (max(0.0, (busy - own) / self.tick / seconds),
                stolen / self.tick / seconds / (os.cpu_count() or 1))


def peak_mebibytes(process):
    """The most resident memory that it has had; mapped files count."""
    status = re.search(r'VmHWM:\s*(\d+) kB', _read('/proc/%d/status' % process))
    return int(status[1]) / 1024 if status else float('nan')


def revision(root):
    """The commit, and whether the work tree differs from it anywhere but in the documentation."""
    def git(*arguments):
        return subprocess.run(['git', '-C', root, *arguments], capture_output=True, text=True)
    try:
        commit = git('rev-parse', '--short', 'HEAD')
        changed = git('diff', '--quiet', 'HEAD', '--', '.', ':!docs').returncode != 0
    except OSError:
        return ''
    if commit.returncode != 0:
        return ''
    return commit.stdout.strip() + ' with changes' * changed
