"""How layers of planes are drawn, as subclasses of napari's visuals, and which private names that needs.

Verified with napari 0.9.2 and vispy 0.17; napari is pinned below 0.10.
"""

# ruff: noqa: SLF001 -- that is what this module is for

from typing import Any

from napari._vispy.layers.image import VispyImageLayer
from napari._vispy.layers.labels import VispyLabelsLayer
from napari._vispy.layers.scalar_field import VispyScalarFieldBaseLayer
from napari._vispy.utils.visual import layer_to_visual
from napari.viewer import Viewer

from platecast.viewer._napari._planes import PlaneImage, PlaneLabels


class _StayingPut(VispyScalarFieldBaseLayer):  # type: ignore[misc]  # napari is untyped
    """A visual that does not find out anew where it lies when it is given another plane: 0.8 ms a layer."""

    _is_given_data = False
    _placed: tuple[Any, ...] = ()

    def _on_data_change(self) -> None:
        self._is_given_data = True
        try:
            super()._on_data_change()
        finally:
            self._is_given_data = False

    def _on_matrix_change(self) -> None:
        # Whatever else it depends on has an event of its own, which calls this as well.
        placed = (self.node, *self.node.children, *self.layer._slice_input.displayed)
        if self._is_given_data and placed == self._placed and self.layer._slice_input.ndisplay == 2:
            return
        super()._on_matrix_change()
        self._placed = placed


class _PlaneImageVisual(_StayingPut, VispyImageLayer):  # type: ignore[misc]  # napari is untyped
    """Draws a `PlaneImage`."""


class _PlaneLabelsVisual(_StayingPut, VispyLabelsLayer):  # type: ignore[misc]  # napari is untyped
    """Draws a `PlaneLabels`."""


def use_plane_visuals(viewer: Viewer) -> None:
    """Draw layers of planes by the visuals of this module; for a viewer without layers.

    napari finds the visual of a layer in a table that is not public.
    """
    layer_to_visual[PlaneImage] = _PlaneImageVisual
    layer_to_visual[PlaneLabels] = _PlaneLabelsVisual
    canvas = viewer.window._qt_viewer.canvas

    def upload(_event: object = None) -> None:
        """Give all new planes to the graphics card before the first layer is drawn.

        vispy gives each one when its own layer is drawn; a software renderer then has to end the drawing of
        the layers below first, 3 ms a layer.
        """
        for visual in canvas.layer_to_visual.values():
            node = visual.node
            if node.visible and getattr(node, "_need_texture_upload", False):
                node._build_texture()

    canvas._scene_canvas.events.draw.connect(upload, position="first")
