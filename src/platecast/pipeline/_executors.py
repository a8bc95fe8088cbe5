"""Who processes the wells of a run; executors with several workers are in `_processes` and `_dask`."""

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Protocol, TypeAlias

from platecast.pipeline._plan import RunPlan, WellResult, WellTask
from platecast.pipeline._well import WellWorker
from platecast.stream import Ledger

StopAsked: TypeAlias = Callable[[], bool]
"""Says whether no further well is to be begun; cheap, and asked several times a second."""


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Let processes that are started here never see Ctrl-C, which a terminal sends to the whole group.

    The process that started the run decides what it means. A signal mask is inherited by processes and by
    threads that start some, also later; a signal that arrives meanwhile is delivered afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It unblocks the signal when it starts, which would otherwise be with the first child.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Executor(Protocol):
    """Processes the wells of one run."""

    def process(
        self, plan: RunPlan, tasks: Sequence[WellTask], stop: StopAsked
    ) -> Generator[WellResult, None, None]:
        """Yield one result for every task that was begun, in any order, whatever happens to it."""

    def ledger(self) -> Ledger:
        """Return the account of all planes sent, once `process` is exhausted."""


class SerialExecutor:
    """Processes one well after the other in this process."""

    def __init__(self) -> None:
        self._ledger = Ledger()

    def process(
        self, plan: RunPlan, tasks: Sequence[WellTask], stop: StopAsked
    ) -> Generator[WellResult, None, None]:
        """Yield the results in the order of the tasks."""
        worker = WellWorker(plan, "serial")
        try:
            worker.announce()
            for task in tasks:
                if stop():
                    return
                yield worker.process(task)
        finally:
            self._ledger = worker.close() or Ledger()

    def ledger(self) -> Ledger:
        """Return the worker's account."""
        return self._ledger
