"""A hatch over the canvas where a visible layer has no plane, which nobody takes for dark data."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel
from vispy.scene.visuals import Image
from vispy.visuals.transforms import STTransform

from platecast.viewer._napari._missing import MissingPlanes
from platecast.viewer._napari._overlay import missing_text

_SIDE = 512
_STRIPES = 16
_RIM = 20
_COLOR = (213, 94, 0)
_DROPPED_COLOR = (86, 180, 233)
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
    scenes
        Returns vispy's scenes, in world coordinates: one, or one for each cell of a grid.
    label
        Says which layers lack a plane.
    """

    def __init__(self, scenes: Callable[[], Sequence[Any]], label: QLabel) -> None:
        self._label = label
        self._scenes = scenes
        self._nodes: list[tuple[Any, Any, Any, Any]] = []

    def show(self, missing: MissingPlanes) -> None:
        """Mark what is missing, and nothing else."""
        text = missing_text(missing.names, missing.losses)
        # A label asks for the width of its text: many names would widen the window.
        metrics = self._label.fontMetrics()
        self._label.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, _MOST_TEXT_PX))
        self._label.setToolTip(text)
        self._label.setVisible(bool(text))
        cells = missing.cells or (missing,)
        if not any(cell.names for cell in cells) and not self._nodes:
            return
        for place, scene in enumerate(self._scenes()):
            if place == len(self._nodes):
                self._nodes.append(_nodes(scene))
            for node in self._nodes[place]:
                node.parent = scene
        for place, nodes in enumerate(self._nodes):
            _mark(cells[place] if place < len(cells) else MissingPlanes(), *nodes)


def _nodes(scene: Any) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401 -- vispy is untyped
    """Return the marks of one scene: whole and rim, missing and dropped."""
    missing, dropped = _hatch(), _cross_hatch()
    return (
        _node(scene, missing),
        _node(scene, _rim_of(missing.copy())),
        _node(scene, dropped),
        _node(scene, _rim_of(dropped.copy())),
    )


def _mark(missing: MissingPlanes, *nodes: Any) -> None:  # noqa: ANN401 -- vispy is untyped
    looks = ((True, False), (False, False), (True, True), (False, True))
    for node, look in zip(nodes, looks, strict=True):
        is_wanted = look == (missing.is_everything, missing.is_dropped)
        node.visible = is_wanted and missing.box is not None and bool(missing.names)
        if missing.box is not None:
            top, left, bottom, right = missing.box
            scale = ((right - left) / _SIDE, (bottom - top) / _SIDE)
            node.transform = STTransform(scale=scale, translate=(left, top))


def _node(scene: Any, picture: npt.NDArray[np.uint8]) -> Any:  # noqa: ANN401 -- vispy is untyped
    node = Image(picture, parent=scene, interpolation="linear")
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


def _cross_hatch() -> npt.NDArray[np.uint8]:
    """Return stripes that cross, in another colour: what was dropped was there once."""
    picture = np.maximum(_hatch(), _hatch()[:, ::-1])
    picture[..., :3] = _DROPPED_COLOR
    return picture


def _rim_of(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    picture[_RIM:-_RIM, _RIM:-_RIM, 3] = 0
    return picture
