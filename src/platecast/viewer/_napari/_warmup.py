"""Pays for the first layer of each kind before there is one."""

import gc
import logging
from collections.abc import Callable, Iterator

import numpy as np
from napari.layers import Image, Labels
from napari.viewer import Viewer
from qtpy.QtCore import QObject, QTimer

from platecast.viewer._napari._private import prepare_letters
from platecast.viewer._napari._sliders import AXIS_LABELS

_log = logging.getLogger(__name__)

_PAUSE_MS = 50
_NAME = "warming up"
_LETTERS = "Well Site Channel Z T · 0123456789 ABCDEFGHIJKLMNOP missing"
"""What the line over the images says of the first places."""
_A_STEP = 6


class WarmUp(QObject):
    """Shows a tiny image and a tiny labels layer once, while the window is idle.

    The first layer of a process takes 0.6 s longer than the second: widgets, colormaps and shaders are made.
    Nothing is shown if planes arrived first, and what was begun is taken away before they are shown.

    Parameters
    ----------
    viewer
        A viewer whose window is shown.
    is_idle
        Whether there is still nothing to show.
    """

    def __init__(self, viewer: Viewer, is_idle: Callable[[], bool]) -> None:
        super().__init__()
        self._viewer = viewer
        self._is_idle = is_idle
        self._steps = self._run()
        # A pause, not a turn: each layer must be painted once for its shaders to be compiled.
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._step)
        # napari's status comes from a thread of its own, and may speak of a layer that has gone.
        viewer.events.status.connect(self._keep_silent)

    def start(self) -> None:
        """Begin when the window's loop runs."""
        self._timer.start()

    def stop(self) -> None:
        """Do no more; for a window that closes."""
        self._timer.stop()

    def _keep_silent(self, event: object = None) -> None:
        if _NAME in str(self._viewer.status):
            self._viewer.status = "Ready"

    def _step(self) -> None:
        try:
            next(self._steps)
        except StopIteration:
            self._timer.stop()
        except Exception:
            _log.exception("the window could not be warmed up: its first layers will take longer")
            self._timer.stop()

    def _run(self) -> Iterator[None]:
        for kind, dtype in ((Image, np.uint16), (Labels, np.uint8)):
            if not self._is_idle():
                break
            layer = kind(np.zeros((4, 4), dtype), name=_NAME)
            self._viewer.layers.append(layer)
            yield
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
            yield
        for start in range(0, len(_LETTERS), _A_STEP):
            if self._is_idle():
                prepare_letters(self._viewer, _LETTERS[start : start + _A_STEP])
                yield
        if self._is_idle():
            # Sliders for the axes that every layer has: they take longer than the layer.
            self._viewer.dims.ndim = len(AXIS_LABELS)
            yield
        if self._is_idle():
            gc.collect()
        # What start-up made stays for good: without this the collector visits it all again while layers
        # are added, 100 to 200 ms at a time.
        gc.freeze()
