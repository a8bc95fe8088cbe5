"""A hatch over the canvas where a visible layer has no plane, which nobody takes for dark data."""

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel
from vispy.scene.visuals import Image
from vispy.visuals.transforms import STTransform

from platecast.viewer._missing import MissingPlanes
from platecast.viewer._overlay import missing_text

_SIDE = 256
_STRIPES = 16
_RIM = 10
_COLOR = (213, 94, 0)
_ALPHA = 110
_MOST_TEXT_PX = 560
_LAST = 1_000_000
"""Draw order behind every layer's, so above all of them."""


class MissingShade:
    """Marks missing planes on the canvas and in the status bar. For the window's thread.

    The whole image is hatched where no visible layer has a plane; only its rim where some have, so that
    their pixels are seen as they are.

    Parameters
    ----------
    scene
        vispy's scene, in world coordinates.
    label
        Says which layers lack a plane.
    """

    def __init__(self, scene: Any, label: QLabel) -> None:  # noqa: ANN401 -- vispy is untyped
        self._label = label
        self._whole, self._rim = (_node(scene, hatch) for hatch in (_hatch(), _rim_of(_hatch())))

    def show(self, missing: MissingPlanes) -> None:
        """Mark what is missing, and nothing else."""
        text = missing_text(missing.names)
        # A label asks for the width of its text: many names would widen the window.
        metrics = self._label.fontMetrics()
        self._label.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, _MOST_TEXT_PX))
        self._label.setToolTip(text)
        self._label.setVisible(bool(text))
        for node, is_wanted in ((self._whole, missing.is_everything), (self._rim, not missing.is_everything)):
            node.visible = is_wanted and missing.box is not None and bool(missing.names)
        if missing.box is not None:
            top, left, bottom, right = missing.box
            scale = ((right - left) / _SIDE, (bottom - top) / _SIDE)
            for node in (self._whole, self._rim):
                node.transform = STTransform(scale=scale, translate=(left, top))


def _node(scene: Any, picture: npt.NDArray[np.uint8]) -> Any:  # noqa: ANN401 -- vispy is untyped
    node = Image(picture, parent=scene, interpolation="nearest")
    node.order = _LAST
    node.set_gl_state("translucent", depth_test=False)
    node.visible = False
    return node


def _hatch() -> npt.NDArray[np.uint8]:
    """Return oblique stripes, ``(_SIDE, _SIDE, 4)``."""
    rows, columns = np.indices((_SIDE, _SIDE))
    is_stripe = (rows + columns) % (_SIDE // _STRIPES) < _SIDE // _STRIPES // 3
    picture = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    picture[..., :3] = _COLOR
    picture[..., 3] = np.where(is_stripe, _ALPHA, _ALPHA // 5)
    return picture


def _rim_of(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    picture[_RIM:-_RIM, _RIM:-_RIM, 3] = 0
    return picture
