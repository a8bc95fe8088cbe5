"""Makes the thumbnails of the layer list while the sliders rest."""

import time
import weakref
from collections.abc import Callable

from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer

_REST_MS = 200
_MOST_WAIT_S = 1.0
"""A thumbnail of a layer that changes all the time is at most this old."""


class Thumbnails(QObject):
    """Puts thumbnails off until no layer has changed for a while. For the window's thread.

    Each one makes Qt compose the whole window once more, 10 ms after every step of a slider.

    Parameters
    ----------
    draw
        Makes the thumbnail of a layer.
    """

    def __init__(self, draw: Callable[[Layer], None]) -> None:
        super().__init__()
        self._draw = draw
        self._stale: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._since_s = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw_all)

    def put_off(self, layer: Layer) -> None:
        """Hear that the thumbnail of a layer is out of date."""
        now_s = time.monotonic()
        if not self._stale:
            self._since_s = now_s
        self._stale.add(layer)
        left_s = self._since_s + _MOST_WAIT_S - now_s
        self._timer.start(max(0, min(_REST_MS, round(left_s * 1e3))))

    def stop(self) -> None:
        """Do no more; for a window that closes."""
        self._timer.stop()
        self._stale.clear()

    def _draw_all(self) -> None:
        stale, self._stale = list(self._stale), weakref.WeakSet()
        for layer in stale:
            self._draw(layer)
