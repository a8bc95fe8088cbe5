"""Work that takes time, done in threads, and its results back in the window's thread."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TypeVar

from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.errors import PlatecastError

_log = logging.getLogger(__name__)

T = TypeVar("T")

CLOSE_S = 2.0
"""How long a window that closes waits for work that does not notice that it is to stop."""


class Task:
    """A piece of work that was begun; what it calls back is never called after `cancel`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        """Set when nobody wants the result any more: whatever the work waits for, it waits no longer."""

    @property
    def is_cancelled(self) -> bool:
        """Whether its result is wanted no more."""
        return self.stop.is_set()

    def cancel(self) -> None:
        """Forget the work; do not begin it if it still waits, and tell it to stop if it does not."""
        self.stop.set()


class Background(QObject):
    """Does work in a few threads, so that a window never waits.

    The threads are daemons: work that does not notice that it is to stop, such as reading from a server that
    has gone, keeps no program from ending.

    Parameters
    ----------
    threads
        How many pieces of work are done at a time; others wait.
    parent
        Its owner.
    """

    _finished = QtSignal(object)

    def __init__(self, threads: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._most = threads
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._open: set[Task] = set()
        self._is_closed = False
        self._finished.connect(_call)

    def run(
        self,
        work: Callable[[threading.Event], T],
        done: Callable[[T], None],
        failed: Callable[[str], None] | None = None,
    ) -> Task:
        """Do something in a thread.

        Parameters
        ----------
        work
            What is done; it must not touch a widget. It is given `Task.stop`; where it may wait for long, it
            raises `CancelledError` soon after that is set.
        done
            Called with its result, in the thread of the window.
        failed
            Called there with the reason, in words, if it raised; that is logged in any case.
        """
        task = Task()
        if self._is_closed:
            task.cancel()
            return task

        def report(callback: Callable[[], None]) -> None:
            def call() -> None:
                self._open.discard(task)
                if not task.is_cancelled:
                    callback()

            # After `close`, which was not waited for, this object may be no more.
            if not self._is_closed:
                self._finished.emit(call)

        def attempt() -> None:
            try:
                if task.is_cancelled:
                    raise CancelledError
                result = work(task.stop)
            except CancelledError:
                report(lambda: None)
                return
            except (PlatecastError, OSError) as error:
                reason = _in_words(error)
                _log.warning("%s", reason)
            except Exception as error:
                # The edge of a thread: a defect must be seen in the log, and by whoever waits.
                _log.exception("work in the background failed")
                reason = f"{type(error).__name__}: {error}"
            else:
                report(lambda: done(result))
                return
            report(lambda: failed(reason) if failed is not None else None)

        self._open.add(task)
        if len(self._threads) < min(self._most, len(self._open)):
            name = f"platecast-gui-{len(self._threads)}"
            thread = threading.Thread(target=_work, args=(self._waiting,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._waiting.put(attempt)
        return task

    def stop(self) -> None:
        """Begin nothing any more, call nobody back, and tell what was begun to stop."""
        self._is_closed = True
        for task in self._open:
            task.cancel()
        self._open.clear()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """`stop`, and wait for the threads; whoever does not notice in time is left to itself.

        Parameters
        ----------
        timeout_s
            How long to wait.
        """
        self.stop()
        for _ in self._threads:
            self._waiting.put(None)
        left = join_all(self._threads, timeout_s)
        self._threads.clear()
        if left:
            _log.warning("%d pieces of work did not stop in %g s; they are left alone", left, timeout_s)


def join_all(threads: list[threading.Thread], timeout_s: float) -> int:
    """Wait for threads to end, and return how many have not.

    Parameters
    ----------
    threads
        The threads.
    timeout_s
        How long to wait, for all of them together.
    """
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return sum(thread.is_alive() for thread in threads)


def _work(waiting: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (attempt := waiting.get()) is not None:
        attempt()


def _in_words(error: Exception) -> str:
    """Return what an error says; the number before the words of one of ours says nothing to a reader."""
    words = error.strerror if isinstance(error, PlatecastError) and isinstance(error, OSError) else None
    return words or str(error) or type(error).__name__


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        # The edge of a Qt slot: PyQt would abort the process.
        _log.exception("a result could not be shown")
