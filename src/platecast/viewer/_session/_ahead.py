"""Reads planes at rest before they are looked at: neighbours of what is on screen, then for the plate map."""

import functools
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.components import Kind, PlaneId
from platecast.layers import HeldPlane, Pixels, Value, mean_intensity, small_picture
from platecast.storage import load_small
from platecast.viewer._plate._mosaic import PICTURE_PX

_log = logging.getLogger(__name__)

_SETTLED_MS = 80
"""How long the sliders must stand before their neighbours are read."""
_QUIET_S = 1.0
"""How long the user must have done nothing before planes are read for the plate map."""
_DUTY = 1.0
"""Pause after a plane was read for the map, in parts of the time it took: the disk is not ours alone."""
_LOOK_S = 0.25
_MAP_PX = 4 * PICTURE_PX
"""Shorter side of what a small picture and a mean are made of, at least: what `small_picture` looks at."""


CLOSE_S = 2.0
"""How long a window that closes waits for a file that is read: a share that has gone may never answer."""


class ReadAhead(QObject):
    """Reads in a thread of its own what is likely to be looked at. Methods are for the window's thread.

    Parameters
    ----------
    values
        Returns the values that a component may be set to.
    on_screen
        Returns the values on screen.
    planes_at
        Returns the planes that can be seen at some values.
    load_small
        Returns the plane at an address, with at least so many pixels on its shorter side.
    """

    measured = QtSignal(object, float, object)
    """A plane was read for the plate map: what it is, its mean intensity and its small picture."""

    def __init__(
        self,
        values: Callable[[str], Sequence[Value]],
        on_screen: Callable[[], Mapping[str, Value]],
        planes_at: Callable[[Mapping[str, Value]], Sequence[Pixels]],
        load_small: Callable[[str, int], npt.NDArray[Any]] = load_small,
    ) -> None:
        super().__init__()
        self._values = values
        self._on_screen = on_screen
        self._planes_at = planes_at
        self._load_small = load_small
        self._here: dict[str, Value] = {}
        self._neighbours: deque[HeldPlane] = deque()
        self._unmeasured: deque[tuple[PlaneId, weakref.ref[HeldPlane]]] = deque()
        self._offered: set[object] = set()
        self._touched_s = time.monotonic()
        self._changed = threading.Condition()
        self._is_stopped = False
        self._thread: threading.Thread | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self._look_around)

    def moved(self) -> None:
        """Hear that another place is on screen."""
        self._touched_s = time.monotonic()
        self._settled.start()

    def offer(self, plane: PlaneId, held: HeldPlane) -> None:
        """Hear of a plane at rest; the first of each well and channel will be measured."""
        components = plane.components
        key = (components.plate, components.well, components.channel, plane.run, plane.step)
        if plane.kind is not Kind.IMAGE or components.well is None or key in self._offered:
            return
        self._offered.add(key)
        with self._changed:
            self._unmeasured.append((plane, weakref.ref(held)))
            self._changed.notify()
        self._begin()

    def stop(self) -> None:
        """End; waits for the plane that is being read, at most `CLOSE_S`."""
        self._settled.stop()
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _look_around(self) -> None:
        """Have the planes read that one more step, or one back, would show."""
        here = dict(self._on_screen())
        moved = next((name for name, value in here.items() if self._here.get(name) != value), None)
        self._here = here
        if moved is None:
            return
        around = list(self._values(moved))
        if here[moved] not in around:
            return
        place = around.index(here[moved])
        wanted = [around[each] for each in (place + 1, place - 1) if 0 <= each < len(around)]
        planes = [plane for value in wanted for plane in self._planes_at(here | {moved: value})]
        at_rest = [plane for plane in planes if isinstance(plane, HeldPlane) and not plane.nbytes]
        with self._changed:
            self._neighbours = deque(at_rest)
            self._changed.notify()
        if at_rest:
            self._begin()

    def _begin(self) -> None:
        if self._thread is None and not self._is_stopped:
            self._thread = threading.Thread(target=self._run, name="platecast-read-ahead", daemon=True)
            self._thread.start()

    # The rest runs in a thread of its own.

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._is_stopped:
                    return
                is_quiet = time.monotonic() - self._touched_s > _QUIET_S
                if self._neighbours:
                    read: Callable[[], object] = self._neighbours.popleft().pixels
                elif self._unmeasured and is_quiet:
                    read = functools.partial(self._measure, *self._unmeasured.popleft())
                else:
                    self._changed.wait(_LOOK_S if self._unmeasured else None)
                    continue
            try:
                read()
            except OSError as error:
                # It is said where somebody looks at the plane.
                _log.debug("a plane cannot be read ahead: %s", error)
            except Exception:
                # The edge of the thread: a defect of one plane must not end it for all.
                _log.exception("a plane could not be read ahead")
            # Or it would be kept until the next one.
            del read

    def _small(self, held: HeldPlane) -> npt.NDArray[Any]:
        """Return a plane with enough pixels for the map: a lower resolution where there is one at rest."""
        if held.memory is not None or held.address is None or min(held.shape[:2]) <= _MAP_PX:
            return held.pixels(keep=False)
        try:
            return self._load_small(held.address, _MAP_PX)
        except LookupError as error:
            raise OSError(f"{held.address} cannot be read: {error}") from error

    def _measure(self, plane: PlaneId, reference: "weakref.ref[HeldPlane]") -> None:
        held = reference()
        if held is None:
            return
        began_s = time.monotonic()
        pixels = self._small(held)
        mean = mean_intensity(pixels)
        if mean is not None:
            self.measured.emit(plane, mean, small_picture(pixels, PICTURE_PX))
        # Nobody notifies while nothing is looked at, but a neighbour that is wanted ends the pause.
        with self._changed:
            self._changed.wait(min((time.monotonic() - began_s) * _DUTY, 1.0))
