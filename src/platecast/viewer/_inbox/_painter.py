"""Paints polygons into labels beside the receiver: 20,000 of them take a third of a second."""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from platecast.components import PlaneId
from platecast.errors import InvalidRecordsError
from platecast.layers import Pixels
from platecast.records import Records, paint_polygons
from platecast.viewer._inbox._arrivals import Arrival

_log = logging.getLogger(__name__)

Size = tuple[int, int]


class PlaneSizes:
    """How large the images at each site are. For the receiver's thread."""

    def __init__(self) -> None:
        self._by_site: dict[tuple[str | None, str | None, int | None], Size] = {}
        self._latest: dict[str | None, Size] = {}

    def note(self, plane: PlaneId, shape: tuple[int, ...]) -> None:
        """Hear of a plane of pixels."""
        named, size = plane.components, (shape[0], shape[1])
        self._by_site[named.plate, named.well, named.site] = size
        self._latest[named.plate] = size

    def beside(self, plane: PlaneId) -> Size | None:
        """Return the size of the image at the same site, else of the latest of the plate, if there is one."""
        named = plane.components
        return self._by_site.get((named.plate, named.well, named.site)) or self._latest.get(named.plate)


class Painter:
    """Turns arrivals of polygons into arrivals of labels, in their order, in a thread of its own.

    Parameters
    ----------
    hold
        Makes a plane of painted labels.
    done
        Called in that thread with what was painted.
    failed
        Called in that thread with what cannot be painted, and why.
    """

    def __init__(
        self,
        hold: Callable[[npt.NDArray[Any]], Pixels],
        done: Callable[[Arrival], None],
        failed: Callable[[Arrival, str], None],
    ) -> None:
        self._hold, self._done, self._failed = hold, done, failed
        self._waiting: queue.SimpleQueue[tuple[Arrival, Size | None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_stopping = False

    def put(self, arrival: Arrival, size: Size | None) -> None:
        """Let polygons be painted; the thread is started by the first ones. From one thread only."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="platecast-painter", daemon=True)
            self._thread.start()
        self._waiting.put((arrival, size))

    def stop(self) -> None:
        """End after what is being painted."""
        self._is_stopping = True
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None and not self._is_stopping:
            arrival, size = waiting
            try:
                self._done(self._paint(arrival, size))
            except InvalidRecordsError as error:
                self._failed(arrival, str(error))
            except Exception as error:
                # The edge of the thread: one plane must not end the painting of others.
                _log.exception("polygons of %s could not be painted", arrival.plane)
                self._failed(arrival, f"{type(error).__name__}: {error}")

    def _paint(self, arrival: Arrival, size: Size | None) -> Arrival:
        records = arrival.array
        if not isinstance(records, Records):
            raise TypeError(f"{type(records).__name__} cannot be painted")
        labels = paint_polygons(records, records.canvas or size)
        labels.flags.writeable = False
        return replace(arrival, array=self._hold(labels), features=records)
