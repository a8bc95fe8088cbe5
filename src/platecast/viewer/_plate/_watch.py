"""Keeps the account of the wells beside the stream, off its hot path."""

import logging
import time
import weakref
from collections import deque
from collections.abc import Callable, Set
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.components import PlaneId, PlateLayout, StepId
from platecast.layers import HeldPlane, Loss, Pixels, mean_intensity, small_picture
from platecast.records import Records
from platecast.viewer._plate._model import PlateModel, is_of
from platecast.viewer._plate._mosaic import PICTURE_PX

_log = logging.getLogger(__name__)

_INTERVAL_MS = 100
_BUDGET_S = 0.003
"""For noting planes, and once more for looking at their pixels."""
_TELL_INTERVAL_S = 0.25
"""Between two changes that are told: each paints the plate and, without a graphics card, the canvas, too."""


class Watch(Protocol):
    """What a session tells of its planes; called for each one, so all of it must be quick."""

    def filed(self, plane: PlaneId, array: Pixels | Records) -> None:
        """Hear that a plane is in a layer."""

    def lost(self, plane: PlaneId, loss: Loss) -> None:
        """Hear that a plane will not be there."""

    def announced(self, layout: PlateLayout) -> None:
        """Hear what a plate is known to hold."""

    def cleared(self) -> None:
        """Hear that everything was let go."""

    def forgotten(self, runs: Set[str], steps: Set[StepId | None]) -> None:
        """Hear that the planes of some steps of some runs were let go; an empty run stands for any."""


class PlateWatch(QObject):
    """A `Watch` that fills a `PlateModel`, a few milliseconds at a time. For the window's thread.

    Parameters
    ----------
    model
        What is filled.
    """

    changed = QtSignal()
    """The model has changed; the first one at once, at most four times a second."""
    moved = QtSignal()
    """Another place is on screen."""

    def __init__(self, model: PlateModel) -> None:
        super().__init__()
        self.model = model
        self.on_rest: Callable[[PlaneId, HeldPlane], None] = _nothing
        """Called with planes that would have to be read to be measured."""
        self._filed: deque[tuple[PlaneId, weakref.ref[Any]]] = deque()
        self._unmeasured: deque[tuple[PlaneId, weakref.ref[Any]]] = deque()
        self._told = 0
        self._told_at_s = float("-inf")
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._turn)

    def filed(self, plane: PlaneId, array: Pixels | Records) -> None:
        """Hear that a plane is in a layer; its pixels are looked at later, if it is still there."""
        self._filed.append((plane, weakref.ref(array)))
        self._wake()

    def lost(self, plane: PlaneId, loss: Loss) -> None:
        """Hear that a plane will not be there."""
        self.model.lose(plane, loss)
        self._wake()

    def announced(self, layout: PlateLayout) -> None:
        """Hear what a plate is known to hold."""
        self.model.announce(layout)
        self._wake()

    def cleared(self) -> None:
        """Hear that everything was let go."""
        self._filed.clear()
        self._unmeasured.clear()
        self.model.clear()
        self._wake()

    def forgotten(self, runs: Set[str], steps: Set[StepId | None]) -> None:
        """Hear that the planes of some steps of some runs were let go."""
        for waiting in (self._filed, self._unmeasured):
            kept = [each for each in waiting if not is_of(each[0], runs, steps)]
            waiting.clear()
            waiting.extend(kept)
        self.model.forget(runs, steps)
        self._wake()

    def measured(self, plane: PlaneId, mean: float, picture: npt.NDArray[np.float32] | None) -> None:
        """Hear the mean intensity of a plane that was read for it, and its small picture."""
        self.model.add(plane, mean, picture)
        self._wake()

    def catch_up(self) -> None:
        """Take every plane that was filed into the account now; what they hold is looked at later."""
        while self._filed:
            self._note()

    def stop(self) -> None:
        """Do no more; for a window that closes."""
        self._timer.stop()

    def _wake(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _turn(self) -> None:
        try:
            self._note()
            self._measure()
        except Exception:
            _log.exception("the account of the wells is incomplete")
        if self.model.version != self._told:
            if time.monotonic() - self._told_at_s >= _TELL_INTERVAL_S:
                self._told, self._told_at_s = self.model.version, time.monotonic()
                self.changed.emit()
        elif not self._filed and not self._unmeasured:
            self._timer.stop()

    def _note(self) -> None:
        end_s = time.perf_counter() + _BUDGET_S
        while self._filed and time.perf_counter() < end_s:
            plane, array = self._filed.popleft()
            # Gone: a later plane of the same place is in the queue itself, or there is none any more.
            if array() is None:
                continue
            self.model.add(plane)
            self._unmeasured.append((plane, array))

    def _measure(self) -> None:
        end_s = time.perf_counter() + _BUDGET_S
        while self._unmeasured and time.perf_counter() < end_s:
            plane, reference = self._unmeasured.popleft()
            array = reference()
            # Gone: replaced by a later plane of the same place, which is in the queue itself.
            if array is None:
                continue
            mean = mean_intensity(array)
            picture = small_picture(array, PICTURE_PX) if self.model.wants_picture(plane) else None
            self.model.add(plane, mean, picture)
            if mean is None and isinstance(array, HeldPlane):
                self.on_rest(plane, array)


def _nothing(plane: PlaneId, held: HeldPlane) -> None:
    """Leave it unmeasured."""
