"""How much memory a viewer takes for planes, and the thread that keeps it within that."""

import logging
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from platecast.errors import PlatecastError
from platecast.layers import Holdings, Shelf, Stock
from platecast.storage import load_resting
from platecast.wire import (
    PlanesStatus,
    SpillFile,
    StockStatus,
    give_back_free_memory,
    memory_limit_bytes,
)

_log = logging.getLogger(__name__)

BUDGET_VARIABLE = "PLATECAST_MEMORY_BUDGET_MB"
_BUDGET_SHARE = 0.5
_SCRATCH_SHARE = 0.5
"""Part of the disk's free space that scratch may take."""

_GIVEN_BACK_SHARE = 1 / 50
"""Part of the budget after which the C library is asked for what it keeps of planes that were put away. It
takes milliseconds; once a second was too seldom: 250 MB of a plate at rest streamed in meanwhile."""


def budget_bytes(budget_mb: float | None = None) -> int:
    """Return how much memory planes may take.

    Parameters
    ----------
    budget_mb
        As it was chosen; `None`: as the environment says, else half of what this process may use.

    Raises
    ------
    PlatecastError
        The environment says something that is no size.
    """
    if budget_mb is None:
        said = os.environ.get(BUDGET_VARIABLE)
        if said is None:
            return int(memory_limit_bytes() * _BUDGET_SHARE)
        try:
            budget_mb = float(said)
        except ValueError:
            budget_mb = 0.0
        if not 0 < budget_mb < float("inf"):
            raise PlatecastError(f"{BUDGET_VARIABLE}={said!r}: expected a size in MB, such as 4000")
    return int(budget_mb * 1e6)


def make_shelf(budget_mb: float | None = None) -> Shelf:
    """Return a shelf that reads what rests in stores and has a scratch file on a disk."""
    return Shelf(load_resting, budget_bytes(budget_mb), SpillFile(free_share=_SCRATCH_SHARE))


def planes_status(holdings: Holdings) -> PlanesStatus:
    """Return what is told of the planes."""

    def stock(stock: Stock) -> StockStatus:
        return StockStatus(planes=stock.planes, mb=stock.nbytes / 1e6)

    return PlanesStatus(
        budget_mb=holdings.budget_bytes / 1e6,
        memory_mb=holdings.memory_bytes / 1e6,
        in_memory=stock(holdings.in_memory),
        in_scratch=stock(holdings.in_scratch),
        at_rest=stock(holdings.at_rest),
        refused=holdings.refused,
        records=stock(holdings.records),
    )


class Relief:
    """A thread that puts planes away while memory is short; a context manager.

    Parameters
    ----------
    shelf
        Whose planes.
    on_room
        Called in this thread after some were put away; must not block.
    """

    def __init__(self, shelf: Shelf, on_room: Callable[[], None]) -> None:
        self._shelf = shelf
        self._on_room = on_room
        self._wanted = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="platecast-relief", daemon=True)
        shelf.on_pressure = self._wanted.set

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_stopped = True
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        given_back = 0
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._is_stopped:
                return
            try:
                has_more = True
                while has_more and not self._is_stopped:
                    has_more = self._shelf.relieve()
                    if self._shelf.let_go_bytes - given_back > self._shelf.budget_bytes * _GIVEN_BACK_SHARE:
                        given_back = self._shelf.let_go_bytes
                        give_back_free_memory()
                    if has_more:
                        self._on_room()
            except Exception:
                # The edge of the thread: without it planes that arrive would wait for ever.
                _log.exception("planes could not be put away")
            self._on_room()
