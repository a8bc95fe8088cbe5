"""Who processes the wells of a run; the other executor is in `_processes`."""

from collections.abc import Generator, Sequence
from typing import Protocol

from platecast.pipeline._well import RunPlan, WellResult, WellTask, WellWorker
from platecast.stream import Ledger


class Executor(Protocol):
    """Processes the wells of one run."""

    def process(self, plan: RunPlan, tasks: Sequence[WellTask]) -> Generator[WellResult, None, None]:
        """Yield one result for every task, in any order, whatever happens to it."""

    def ledger(self) -> Ledger:
        """Return the account of all planes sent, once `process` is exhausted."""


class SerialExecutor:
    """Processes one well after the other in this process."""

    def __init__(self) -> None:
        self._ledger = Ledger()

    def process(self, plan: RunPlan, tasks: Sequence[WellTask]) -> Generator[WellResult, None, None]:
        """Yield the results in the order of the tasks."""
        worker = WellWorker(plan, "serial")
        try:
            worker.screen.announce(plan.layouts)
            for task in tasks:
                yield worker.process(task)
        finally:
            self._ledger = worker.close()

    def ledger(self) -> Ledger:
        """Return the worker's account."""
        return self._ledger
