"""Wells processed by several worker processes.

Workers are spawned, never forked: sockets and threads survive no fork. Each has a pipe of its own and gets
one well at a time, so that a worker that is killed takes no other down, and nothing with a name exists that
could be left behind. A worker ends when the process that started the run is gone.
"""

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from platecast.pipeline._executors import StopAsked, without_interrupts
from platecast.pipeline._plan import RunPlan, WellResult, WellTask
from platecast.pipeline._report import LOST, Failure
from platecast.pipeline._screen import FLUSH_TIMEOUT_S, Screen
from platecast.pipeline._worker_process import READY, work
from platecast.stream import DropReason, Ledger

_ATTEMPTS = 2
_END_TIMEOUT_S = FLUSH_TIMEOUT_S + 5.0
_LOOK_INTERVAL_S = 0.2
"""How often somebody who waits for workers looks whether the run is to stop."""


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker process, seen from the run."""

    process: SpawnProcess
    connection: Connection
    is_ready: bool = False
    task: WellTask | None = None
    ledger: Ledger = field(default_factory=Ledger)
    """The account as it stood at its last finished well, or its final one."""


class ProcessExecutor:
    """Processes wells in worker processes.

    A well whose worker was killed is tried once more; then it is reported and the others go on.

    Parameters
    ----------
    workers
        Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._ledger = Ledger()
        self._hands: list[_Hand] = []
        self._has_started = False

    def process(
        self, plan: RunPlan, tasks: Sequence[WellTask], stop: StopAsked
    ) -> Generator[WellResult, None, None]:
        """Yield the results in the order in which they are done."""
        screen = Screen(plan.streaming, plan.run)
        try:
            screen.announce(plan.layouts)
            self._hands = [_start(plan) for _ in range(min(self._workers, len(tasks)))]
            yield from self._process_all(plan, deque(tasks), stop)
        finally:
            self._end()
            self._ledger += screen.close()

    def ledger(self) -> Ledger:
        """Return the sum of the workers' accounts; a killed one's is that of its last finished well."""
        return self._ledger

    def _process_all(self, plan: RunPlan, waiting: deque[WellTask], stop: StopAsked) -> Iterator[WellResult]:
        attempts: dict[int, int] = {}
        while waiting or any(hand.task is not None for hand in self._hands):
            if stop():
                waiting.clear()
            for hand in self._hands:
                if waiting and hand.is_ready and hand.task is None:
                    hand.task = waiting.popleft()
                    # A worker that is gone shows when its pipe is read.
                    with contextlib.suppress(OSError):
                        hand.connection.send(hand.task)
            for connection in wait([hand.connection for hand in self._hands], timeout=_LOOK_INTERVAL_S):
                hand = next(hand for hand in self._hands if hand.connection is connection)
                try:
                    message = hand.connection.recv()
                except (EOFError, OSError):
                    yield from self._replace(plan, hand, waiting, attempts)
                    continue
                if message == READY:
                    hand.is_ready = self._has_started = True
                else:
                    hand.task, hand.ledger = None, message.ledger or Ledger()
                    yield message

    def _replace(
        self, plan: RunPlan, hand: _Hand, waiting: deque[WellTask], attempts: dict[int, int]
    ) -> Iterator[WellResult]:
        """Put another worker in the place of one that has ended; say which wells are lost."""
        self._retire(hand)
        if not self._has_started:
            # None could even start, and the next one would not either.
            lost = [*waiting]
            waiting.clear()
        else:
            lost = []
            if hand.task is not None:
                attempts[hand.task.number] = attempts.get(hand.task.number, 0) + 1
                if attempts[hand.task.number] < _ATTEMPTS:
                    waiting.appendleft(hand.task)
                else:
                    lost = [hand.task]
            if waiting:
                self._hands.append(_start(plan))
        for task in lost:
            yield WellResult(task, failures=(Failure(task.well, None, None, LOST),))

    def _end(self) -> None:
        """Tell the workers that nothing follows, and take their final accounts."""
        for hand in self._hands:
            with contextlib.suppress(OSError):
                hand.connection.send(None)
        while self._hands:
            ready = wait([hand.connection for hand in self._hands], timeout=_END_TIMEOUT_S)
            for hand in [hand for hand in self._hands if hand.connection in ready or not ready]:
                message: object = None
                if ready:
                    with contextlib.suppress(EOFError, OSError):
                        message = hand.connection.recv()
                if isinstance(message, Ledger):
                    hand.ledger = message
                elif message is not None:
                    continue  # it still waits for its viewer, or was at work when the run was ended
                self._retire(hand)

    def _retire(self, hand: _Hand) -> None:
        self._hands.remove(hand)
        hand.connection.close()
        hand.process.join(timeout=1.0)
        if hand.process.is_alive():
            hand.process.kill()
            hand.process.join()
        hand.process.close()
        # Whoever would have delivered what was pending is gone.
        self._ledger += hand.ledger.given_up(DropReason.SENDER_ENDED)


def _start(plan: RunPlan) -> _Hand:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, plan))
    # From its first moment on: it cannot ignore a signal before it has imported what does so.
    with without_interrupts():
        process.start()
    theirs.close()
    return _Hand(process, ours)
