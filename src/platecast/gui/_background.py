"""Work that takes time, done in threads, and its results back in the window's thread."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.errors import PlatecastError

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Task:
    """A piece of work that was begun; what it calls back is never called after `cancel`."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self.future: Future[None] | None = None

    def cancel(self) -> None:
        """Forget the work, and do not begin it if it still waits."""
        self.is_cancelled = True
        if self.future is not None:
            self.future.cancel()


class Background(QObject):
    """Does work in a few threads, so that a window never waits.

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
        self._pool = ThreadPoolExecutor(threads, "platecast-gui")
        self._open: set[Task] = set()
        self._is_closed = False
        self._finished.connect(_call)

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[str], None] | None = None,
    ) -> Task:
        """Do something in a thread.

        Parameters
        ----------
        work
            What is done; it must not touch a widget.
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

            self._finished.emit(call)

        def attempt() -> None:
            try:
                result = work()
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
        task.future = self._pool.submit(attempt)
        return task

    def close(self) -> None:
        """Begin nothing any more, and call nobody back."""
        self._is_closed = True
        for task in self._open:
            task.cancel()
        self._open.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)


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
