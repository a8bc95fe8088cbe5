"""Wells processed by several worker processes.

Workers are spawned, never forked: sockets and threads survive no fork. They leave notes in a temporary
folder (which well was begun, and the final account), because a queue has a lock that a killed process
takes with it.
"""

import contextlib
import multiprocessing
import os
import secrets
import signal
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import msgspec

from platecast.pipeline._report import Failure
from platecast.pipeline._screen import Screen
from platecast.pipeline._well import RunPlan, WellResult, WellTask, WellWorker
from platecast.stream import Ledger

_LOST = (
    "the worker process ended before the well was finished: it was killed, ran out of memory or crashed"
    " (a script that calls run() with several workers must do so under if __name__ == '__main__')"
)


@dataclass(frozen=True, slots=True)
class _Notes:
    """What workers leave behind for the process that started them."""

    folder: Path

    def begin(self, task: WellTask) -> None:
        (self.folder / f"begun-{task.number}").touch()

    def begun(self, task: WellTask) -> bool:
        return (self.folder / f"begun-{task.number}").exists()

    def finish(self, worker: str, ledger: Ledger) -> None:
        part = self.folder / f"{worker}.part"
        part.write_bytes(msgspec.json.encode(ledger))
        part.rename(self.folder / f"{worker}.json")

    def final_ledgers(self) -> Mapping[str, Ledger]:
        return {
            path.stem: msgspec.json.decode(path.read_bytes(), type=Ledger)
            for path in self.folder.glob("*.json")
        }


@dataclass(frozen=True, slots=True)
class _Workplace:
    """What a worker process keeps from well to well."""

    worker: WellWorker
    notes: _Notes


# The pool hands nothing from its initializer to its tasks but what the process itself keeps.
_workplace: ContextVar[_Workplace] = ContextVar("_workplace")


class ProcessExecutor:
    """Processes wells in worker processes.

    A worker that is killed takes the wells down that were in the works, for the pool ends with it; those
    wells are reported, and the ones not yet begun go to a new pool.

    Parameters
    ----------
    workers
        Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._ledger = Ledger()
        self._last_seen: dict[str, Ledger] = {}

    def process(self, plan: RunPlan, tasks: Sequence[WellTask]) -> Generator[WellResult, None, None]:
        """Yield the results in the order in which they are done."""
        screen = Screen(plan.pipeline.config.napari_streaming, plan.run)
        try:
            screen.announce(plan.layouts)
            with tempfile.TemporaryDirectory(prefix="platecast-run-") as folder:
                notes = _Notes(Path(folder))
                try:
                    yield from self._process_all(plan, tasks, notes)
                finally:
                    self._ledger = self._settle(notes)
        finally:
            self._ledger += screen.close()

    def ledger(self) -> Ledger:
        """Return the sum of the workers' accounts; a killed one's is that of its last finished well."""
        return self._ledger

    def _process_all(self, plan: RunPlan, tasks: Sequence[WellTask], notes: _Notes) -> Iterator[WellResult]:
        waiting = list(tasks)
        while waiting:
            done: set[int] = set()
            for result in self._process_in_pool(plan, waiting, notes):
                done.add(result.task.number)
                seen = self._last_seen.get(result.worker, Ledger())
                self._last_seen[result.worker] = max(seen, result.ledger, key=lambda ledger: ledger.sent)
                yield result
            unfinished = [task for task in waiting if task.number not in done]
            # Where none was begun, workers cannot even start, and would not the next time either.
            lost = [task for task in unfinished if notes.begun(task)] or unfinished
            for task in lost:
                yield WellResult(task, 0, (Failure(task.well, None, None, _LOST),), "", Ledger())
            waiting = [task for task in unfinished if task not in lost]

    def _process_in_pool(
        self, plan: RunPlan, tasks: Sequence[WellTask], notes: _Notes
    ) -> Iterator[WellResult]:
        """Yield the results that a pool gets done before it is through or broken."""
        pool = ProcessPoolExecutor(
            min(self._workers, len(tasks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(plan, notes),
        )
        try:
            futures = []
            with contextlib.suppress(BrokenProcessPool):
                for task in tasks:
                    futures.append(pool.submit(_process_well, task))
            for future in as_completed(futures):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    continue
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _settle(self, notes: _Notes) -> Ledger:
        accounts = {**self._last_seen, **notes.final_ledgers()}
        total = sum(accounts.values(), start=Ledger())
        # Whoever would have delivered what was pending is gone.
        return msgspec.structs.replace(total, dropped=total.dropped + total.pending, pending=0)


def _start_worker(plan: RunPlan, notes: _Notes) -> None:
    # Ctrl-C reaches the whole group; the process that started the run decides, and waits for wells begun.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    worker = WellWorker(plan, name)
    _workplace.set(_Workplace(worker, notes))
    # Runs when the pool is shut down, before the process joins its threads.
    Finalize(None, lambda: notes.finish(name, worker.close()), exitpriority=100)


def _process_well(task: WellTask) -> WellResult:
    place = _workplace.get()
    place.notes.begin(task)
    return place.worker.process(task)
