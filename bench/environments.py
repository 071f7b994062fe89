"""Python environments with the peers from PyPI, one for each set of packages that agree.

An environment that could not be made leaves its reason, which stands in the report; nothing ends.
"""
import os
import re
import shutil
import subprocess
import sys

INSTALL_SECONDS = 900

# name -> what pip installs
PACKAGES = {
    'base': ('onnxruntime', 'openvino', 'onnx', 'numpy'),
    'torch': ('torch', 'onnx', 'numpy'),
    'jax': ('jax', 'onnx', 'numpy'),
    'mnn': ('MNN', 'numpy'),
    'ncnn': ('ncnn', 'pnnx', 'numpy'),
    'iree': ('iree-base-compiler[onnx]', 'iree-base-runtime', 'numpy'),
    'tvm': ('apache-tvm', 'xgboost-cpu', 'psutil', 'cloudpickle', 'onnx', 'numpy'),
    'tinygrad': ('tinygrad', 'onnx', 'numpy'),
}


class Environments:
    def __init__(self, folder, python, say=print):
        self.folder, self.maker, self.say = folder, python, say
        self.made = {}      # name -> (path of its Python or None, reason)
        self.versions = {}  # (name, package) -> version

    def python(self, name):
        """-> (path, '') or (None, why there is none)."""
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def _make(self, name):
        folder = os.path.join(self.folder, name)
        python, done = os.path.join(folder, 'bin', 'python'), os.path.join(folder, 'installed')
        wanted = ' '.join(PACKAGES[name])
        if os.path.exists(done) and open(done).read() == wanted:
            return python, ''
        self.say('Installing %s from PyPI' % wanted)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(self.folder, exist_ok=True)
        log = folder + '.log'
        try:
            with open(log, 'w') as out:
                for command in ([self.maker, '-m', 'venv', folder],
                                [python, '-m', 'pip', 'install', *PACKAGES[name]]):
                    subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                   check=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            return None, 'not installed within %d s' % INSTALL_SECONDS
        except (OSError, subprocess.CalledProcessError) as error:
            errors = re.findall(r'^ERROR: (.*)$', open(log).read(), re.M)
            return None, 'not installed: %s' % (errors[-1] if errors else error)
        with open(done, 'w') as f:
            f.write(wanted)
        return python, ''

    def version(self, name, package):
        """Of an installed package, without what stands for a build: '2.15.0'."""
        if (name, package) not in self.versions:
            code = 'import importlib.metadata as m; print(m.version(%r))' % package
            text = subprocess.run([self.made[name][0], '-c', code], capture_output=True, text=True)
            self.versions[name, package] = re.split(r'[+-]', text.stdout.strip())[0] or '?'
        return self.versions[name, package]


def main():
    """environments.py FOLDER PYTHON NAME: prints the path of that environment's Python."""
    folder, maker, name = sys.argv[1:]
    made = Environments(folder, maker, lambda text: print(text, file=sys.stderr))
    python, reason = made.python(name)
    if not python:
        sys.exit('bench: %s' % reason)
    print(python)


if __name__ == '__main__':
    main()
