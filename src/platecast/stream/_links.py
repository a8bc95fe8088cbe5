"""The links of this process: one for each viewer, shared by all streams, and how they end."""

import atexit
import logging
import multiprocessing.util
import os
import threading

from platecast.stream._link import Link
from platecast.wire import Pairing, memory_limit_bytes

_log = logging.getLogger(__name__)

EXIT_FLUSH_S = 5.0
"""Longest time that the end of the interpreter waits for planes on their way."""
FAR_EXIT_FLUSH_S = 60.0
"""The same where the viewer is on another machine: what was computed there is worth the time it takes."""
_START_PATIENCE_S = 20.0
_BUDGET_SHARE = 0.025
_BUDGET_LIMITS_MB = (32.0, 512.0)


class _Links:
    """The links that this process opened; a forked child starts with none and never touches its parent's."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """Held while a link or a stream in it is opened."""
        self._by_place: dict[tuple[int, Pairing | None], Link] = {}
        self._exit_registered = False

    def get(
        self,
        port: int,
        budget_mb: float | None,
        spill_mb: float | None = None,
        pairing: Pairing | None = None,
    ) -> Link:
        """Return the link to a viewer, opened where there is none yet; budgets that are given apply to it.

        Parameters
        ----------
        port
            The viewer's data port.
        budget_mb, spill_mb
            Memory and disk for planes that wait.
        pairing
            The viewer, where it is on another machine.
        """
        with self.lock:
            link = self._by_place.get((port, pairing))
            if link is None:
                budget_bytes = int((budget_mb or default_budget_mb()) * 1e6)
                link = self._by_place[port, pairing] = Link(port, budget_bytes, _log_failure, pairing)
                self._register_exit()
            elif budget_mb is not None:
                link.outbox.budget_bytes = int(budget_mb * 1e6)
            if spill_mb is not None:
                link.staging.spill.limit_bytes = int(spill_mb * 1e6)
            return link

    def close_all(self) -> None:
        """Wait a bounded time for planes on their way to a viewer, close every link, say what was left."""
        with self.lock:
            links, self._by_place = dict(self._by_place), {}
        for (port, pairing), link in links.items():
            link.wait_started(_START_PATIENCE_S)
            link.wait_settled(None, EXIT_FLUSH_S if pairing is None else FAR_EXIT_FLUSH_S)
            left = link.close()
            if left:
                _log.warning("%d planes were not shown: the viewer on port %d did not take them", left, port)

    def forget(self) -> None:
        """Start anew in a forked child: threads, sockets and buffers belong to the parent."""
        for link in self._by_place.values():
            link.abandon()
        self.__init__()  # type: ignore[misc]  # the parent's links are abandoned, not closed

    def _register_exit(self) -> None:
        if self._exit_registered:
            return
        self._exit_registered = True
        if multiprocessing.process.parent_process() is None:
            atexit.register(self.close_all)
        else:
            # A child of multiprocessing that was forked never reaches atexit.
            multiprocessing.util.Finalize(self, self.close_all, exitpriority=0)


def default_budget_mb() -> float:
    """Return the memory for waiting planes where nobody chose: 2.5% of what there is, 32 to 512 MB."""
    low, high = _BUDGET_LIMITS_MB
    return min(max(memory_limit_bytes() / 1e6 * _BUDGET_SHARE, low), high)


def _log_failure(reason: str) -> None:
    _log.warning("the viewer could not show %s", reason)


links = _Links()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=links.forget)
