"""A process and its children, all of which send: ``python tests/family_of_senders.py PORT METHOD CHILDREN``.

The parent uses its stream before its children start, meanwhile, and after they have ended. Prints the process
ids once all have sent, waits for a line on standard input, then ends and prints every account.
"""

import json
import multiprocessing
import os
import sys

import numpy as np

from platecast.stream import Stream

PLANES = 20


def send(stream, who):
    for n in range(PLANES):
        shape = (512, 512) if n % 2 else (20, 30)
        stream.send(np.full(shape, 100 * who + n, np.uint16), well="A01", site=n, timepoint=who)


def child(port, who, stream, answers, may_end):
    # The parent's own stream where it is inherited by fork, which then finds a link of its own.
    stream = Stream(port, start_viewer=False, run="family") if stream is None else stream
    send(stream, who)
    stream.flush(20)
    answers.put((os.getpid(), stream.report().counts()))
    may_end.wait()


def main(port, method, children):
    stream = Stream(port, start_viewer=False, run="family")
    send(stream, 0)
    stream.flush(20)
    context = multiprocessing.get_context(method)
    answers, may_end = context.Queue(), context.Event()
    inherited = stream if method == "fork" else None
    processes = [
        context.Process(target=child, args=(port, who, inherited, answers, may_end))
        for who in range(1, children + 1)
    ]
    for process in processes:
        process.start()
    send(stream, children + 1)
    told = dict(answers.get(timeout=60) for _ in processes)
    stream.flush(20)
    print(json.dumps([os.getpid(), *told]), flush=True)
    sys.stdin.readline()
    may_end.set()
    for process in processes:
        process.join(30)
    send(stream, children + 2)
    stream.flush(20)
    codes = [process.exitcode for process in processes]
    print(json.dumps([stream.report().counts(), *told.values(), codes]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
