"""What runs in a worker process; imports no more than it needs, since every worker waits for it."""

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection

from platecast.pipeline._plan import RunPlan
from platecast.pipeline._well import WellWorker

READY = "ready"
"""The first thing that a worker says."""


def work(connection: Connection, plan: RunPlan) -> None:
    """Process wells until there are no more; runs in the worker process."""
    # Ctrl-C reaches the whole group; the process that started the run decides, and waits for wells begun.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="platecast-parent-watch", daemon=True).start()
    worker = WellWorker(plan, str(os.getpid()))
    with contextlib.suppress(EOFError, OSError):
        connection.send(READY)
        while (task := connection.recv()) is not None:
            connection.send(worker.process(task))
        # The run would take a worker that says nothing for one that hangs.
        connection.send(worker.close(lambda: connection.send(READY)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
