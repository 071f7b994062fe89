#!/usr/bin/env python3
"""A contender of bench/compare.py: one peer, loaded once and run when told.

    peer_worker.py prepare|start PEER FOLDER WORK THREADS

FOLDER is what bench/export.py wrote; WORK is the peer's own, where `prepare` puts what it compiles.
The protocol of `start` is that of bench/artifact_worker.c: "ready" when the next run can begin;
then for each line of input: `run` -> seconds, `write DIR` -> "done", `facts` -> "model_bytes N".
"""
import os
import sys
import time


def answer(task, out):
    import numpy as np
    run = task.module().start(task)

    def say(text):
        out.write(text + '\n')
        out.flush()
    say('ready')
    results = ()
    for line in sys.stdin:
        words = line.split()
        if words[0] == 'run':
            start = time.perf_counter()
            results = run()
            say('%.9f' % (time.perf_counter() - start))
        elif words[0] == 'write':
            for name, value in zip(task.outputs, results):
                np.save(os.path.join(words[1], name + '.npy'), np.asarray(value))
            say('done')
        else:
            say('model_bytes %d' % task.model_bytes())


def main():
    action, name, folder, work, threads = sys.argv[1:]
    # libraries print as they like: their lines go to the log
    out = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    import peers
    task = peers.Task(peers.find(name), folder, work, int(threads))
    if action == 'prepare':
        getattr(task.module(), 'prepare', lambda task: None)(task)
    else:
        answer(task, out)


if __name__ == '__main__':
    main()
