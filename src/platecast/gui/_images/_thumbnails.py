"""Small pictures of images, read in threads: the newest wish first, none that nobody looks at any more."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtGui import QImage, QPixmap

from platecast.contrast import robust_limits
from platecast.errors import PlatecastError
from platecast.gui._parts._background import CLOSE_S, join_all
from platecast.storage import PlateImage

_log = logging.getLogger(__name__)

SIDE_PX = 104
_THREADS = 2
_MOST_WAITING = 512
_MOST_KEPT = 2000
"""Pictures of some 40 KB each."""
_PACE_MS = 60
Limits = Mapping[int | str | None, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Failed:
    """An image that could not be read.

    Parameters
    ----------
    reason
        Why, in words.
    """

    reason: str


class Thumbnails(QObject):
    """Makes thumbnails of a plate's images. For the window's thread; it reads in its own.

    Parameters
    ----------
    parent
        Its owner.
    """

    arrived = QtSignal(object)
    """A list of `PlateImage` whose thumbnails can be had now; a few times a second at most."""

    _wake = QtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read: Callable[[PlateImage], npt.NDArray[Any]] | None = None
        self._limits: Limits = {}
        self._kept: OrderedDict[PlateImage, QPixmap | Failed] = OrderedDict()
        self._condition = threading.Condition()
        self._waiting: OrderedDict[PlateImage, None] = OrderedDict()
        self._made: list[tuple[int, PlateImage, npt.NDArray[np.uint8] | Failed]] = []
        self._reading: set[PlateImage] = set()
        self._generation = 0
        self._is_closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PACE_MS)
        self._timer.timeout.connect(self._take)
        self._wake.connect(self._rouse)
        self._threads = [
            threading.Thread(target=self._work, name=f"platecast-thumbnails-{number}", daemon=True)
            for number in range(_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def open(self, read: Callable[[PlateImage], npt.NDArray[Any]] | None, limits: Limits) -> None:
        """Make thumbnails of another plate, and forget all others.

        Parameters
        ----------
        read
            Returns an image's pixels; called in threads.
        limits
            Contrast limits by channel; a channel without them has those of each image.
        """
        with self._condition:
            self._generation += 1
            self._read, self._limits = read, limits
            self._waiting.clear()
            self._made.clear()
        self._kept.clear()

    def get(self, image: PlateImage) -> QPixmap | Failed | None:
        """Return a thumbnail, why there is none, or `None` where it was not made yet; see `want`."""
        found = self._kept.get(image)
        if found is not None:
            self._kept.move_to_end(image)
        return found

    def want(self, image: PlateImage) -> None:
        """Ask for a thumbnail, before all that were asked for earlier."""
        with self._condition:
            if image in self._kept or image in self._reading:
                return
            self._waiting[image] = None
            self._waiting.move_to_end(image)
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popitem(last=False)
            self._condition.notify()

    def keep_only(self, images: Iterable[PlateImage]) -> None:
        """Give up what waits and is not among these: what was scrolled away."""
        wanted = set(images)
        with self._condition:
            for image in [image for image in self._waiting if image not in wanted]:
                del self._waiting[image]

    @property
    def waiting(self) -> int:
        """How many thumbnails wait to be made."""
        with self._condition:
            return len(self._waiting)

    def stop(self) -> None:
        """Read nothing any more but what each thread is reading."""
        with self._condition:
            self._is_closed = True
            self._waiting.clear()
            self._condition.notify_all()
        self._timer.stop()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """`stop`, and wait for the threads, at most `timeout_s`."""
        self.stop()
        join_all(self._threads, timeout_s)

    def _rouse(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _take(self) -> None:
        """Turn what was made into pixmaps, which only this thread may do."""
        with self._condition:
            made, self._made = self._made, []
            generation = self._generation
        arrived = []
        for made_for, image, pixels in made:
            if made_for == generation:
                self._kept[image] = pixels if isinstance(pixels, Failed) else _pixmap(pixels)
                arrived.append(image)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        if arrived:
            self.arrived.emit(arrived)

    # The rest runs in the threads.

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                image, _ = self._waiting.popitem(last=True)
                self._reading.add(image)
                generation, read, limits = self._generation, self._read, self._limits
            result = _make(image, read, limits)
            with self._condition:
                self._reading.discard(image)
                if generation == self._generation and not self._is_closed:
                    self._made.append((generation, image, result))
            if not self._is_closed:
                self._wake.emit()


def _make(
    image: PlateImage, read: Callable[[PlateImage], npt.NDArray[Any]] | None, limits: Limits
) -> npt.NDArray[np.uint8] | Failed:
    if read is None:
        return Failed("no plate is open")
    try:
        return scale(read(image), limits.get(image.components.channel))
    except (PlatecastError, OSError) as error:
        return Failed(str(error))
    except Exception as error:
        # The edge of a thread: an odd file must not end it.
        _log.exception("no thumbnail of %s", image.path)
        return Failed(f"{type(error).__name__}: {error}")


def scale(plane: npt.NDArray[Any], limits: tuple[float, float] | None) -> npt.NDArray[np.uint8]:
    """Return a plane in the size of a thumbnail, as ``(Y, X)`` or ``(Y, X, 3)`` uint8.

    Parameters
    ----------
    plane
        ``(Y, X)``, or ``(Y, X, 3 | 4)`` uint8.
    limits
        The values that become black and white; default: those of the plane.
    """
    every = max(1, -(-max(plane.shape[:2]) // SIDE_PX))
    small = plane[::every, ::every]
    if small.ndim == 3:
        return np.ascontiguousarray(small[..., :3].astype(np.uint8))
    low, high = limits or robust_limits(small) or (float(np.min(small)), float(np.min(small)) + 1.0)
    scaled = (small.astype(np.float32) - low) * (255.0 / (high - low))
    return np.ascontiguousarray(np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8))


def _pixmap(pixels: npt.NDArray[np.uint8]) -> QPixmap:
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
    return QPixmap.fromImage(QImage(pixels.tobytes(), width, height, pixels.strides[0], kind))
