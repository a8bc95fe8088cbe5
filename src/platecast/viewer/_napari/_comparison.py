"""Steps of the same place beside each other, or in turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari.layers import Layer
from napari.viewer import ViewerModel

from platecast.layers import LayerKey, StoredLayer, Value
from platecast.viewer._napari._labels_view import LabelsView
from platecast.viewer._napari._private import group_grid
from platecast.viewer._napari._record_view import RecordView
from platecast.viewer._session._look import hidden_layers, is_looked_at, newest_run
from platecast.viewer._session._steps import Step, step_text

_GRID = ("stride", "shape", "spacing", "enabled")
_CAMERA = ("center", "zoom", "angles")
_NAME_OVERLAY = ("visible", "position")
_SPACING_PX = 4


@dataclass(eq=False, slots=True)
class ShownLayer:
    """A napari layer and what we last set on it; anything else was set by the user."""

    layer: Layer
    name: str
    colormap: str | None
    is_visibility_ours: bool = True
    view: RecordView | LabelsView | None = None
    """What keeps records, or the features of labels, on what is on screen."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a layer was to be seen before."""

    is_visible: bool
    name_overlay: Mapping[str, Any]


class Comparison:
    """Decides which layers are seen, and puts everything back when it ends. For the window's thread.

    Parameters
    ----------
    viewer
        Whose grid and layers it uses.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._grid: dict[str, Any] = {}
        self._camera: dict[str, Any] = {}
        self._seen: dict[Layer, _Seen] = {}
        self._ours: dict[Layer, bool] = {}
        self._place: dict[str, Value] = {}
        self._front = 0
        self._cells = 0
        self.steps: tuple[Step, ...] = ()
        """The compared steps; none where nothing is compared."""
        self.is_gridded = False
        """Whether they are beside each other, instead of in turns."""

    @property
    def remark(self) -> str:
        """What is to be said over the images."""
        if not self.steps or self.is_gridded:
            return ""
        return f"step {step_text(self.steps[self._front])} ({self._front + 1} of {len(self.steps)})"

    def hidden(self, keys: Sequence[LayerKey], place: Mapping[str, Value]) -> set[LayerKey]:
        """Return the layers that are not to be seen, as `hidden_layers` does where nothing is compared."""
        if not self.steps:
            return hidden_layers(keys, place)
        newest = newest_run(keys)
        steps = self.steps if self.is_gridded else (self.steps[self._front],)
        return {
            key
            for key in keys
            if key.step not in steps or key.run not in ("", newest) or not is_looked_at(key, place)
        }

    def begin(
        self,
        shown: Mapping[StoredLayer, ShownLayer],
        place: Mapping[str, Value],
        steps: Sequence[Step],
        *,
        grid: bool,
    ) -> None:
        """Remember how the window is, once, and compare other steps from now on; `apply` comes next."""
        if not self.steps:
            self._grid = {name: getattr(self._viewer.canvas.grid, name) for name in _GRID}
            self._camera = {name: getattr(self._viewer.scene.camera, name) for name in _CAMERA}
            self._seen = {
                layer: _Seen(
                    bool(layer.visible), {name: getattr(layer.name_overlay, name) for name in _NAME_OVERLAY}
                )
                for layer in self._viewer.layers
            }
            self._ours = {each.layer: each.is_visibility_ours for each in shown.values()}
            self._place = dict(place)
            self._cells = 0
        for each in shown.values():
            each.is_visibility_ours = True
        self.steps, self.is_gridded, self._front = tuple(steps), grid, 0

    def turn(self) -> None:
        """Let the next step be seen, where they are seen in turns."""
        if self.steps:
            self._front = (self._front + 1) % len(self.steps)

    def apply(self, shown: Mapping[StoredLayer, ShownLayer], place: Mapping[str, Value]) -> None:
        """Show the layers of the compared steps and no others, each step under its name."""
        hidden = self.hidden([layer.key for layer in shown], place)
        top: dict[Step, Layer] = {}
        cells = {}
        stored_of = {each.layer: layer for layer, each in shown.items()}
        for layer in self._viewer.layers:
            stored = stored_of.get(layer)
            layer.visible = stored is not None and stored.key not in hidden
            self._name(layer, is_named=False)
            if stored is not None and layer.visible:
                cells[layer] = self.steps.index(stored.key.step)
                top[stored.key.step] = layer
        for layer in top.values():
            self._name(layer, is_named=True)
        grid = self._viewer.canvas.grid
        group_grid(self._viewer, cells if self.is_gridded else None)
        grid.enabled = False
        if self.is_gridded:
            grid.shape, grid.spacing = (1 if len(self.steps) < 4 else -1, -1), _SPACING_PX
            grid.enabled = True
        count = len(self.steps) if self.is_gridded else 0
        if count and count != self._cells:
            self._viewer.reset_view()
        elif self._cells and not count:
            self._put_back(self._viewer.scene.camera, self._camera)
        self._cells = count

    def end(self, shown: Mapping[StoredLayer, ShownLayer], place: Mapping[str, Value]) -> None:
        """Put grid, camera and every layer back as they were."""
        self.steps = ()
        hidden = self.hidden([layer.key for layer in shown], place)
        group_grid(self._viewer, None)
        self._viewer.canvas.grid.enabled = False
        self._put_back(self._viewer.canvas.grid, self._grid)
        for layer in self._viewer.layers:
            if layer in self._seen:
                before = self._seen[layer]
                layer.visible = before.is_visible
                self._put_back(layer.name_overlay, before.name_overlay)
        for stored, each in shown.items():
            each.is_visibility_ours = self._ours.get(each.layer, True)
            is_new = each.layer not in self._seen
            # What nobody has set follows the window to another place.
            if is_new or (dict(place) != self._place and each.is_visibility_ours):
                each.layer.visible = stored.key not in hidden
            if is_new:
                self._name(each.layer, is_named=False)
        self._put_back(self._viewer.scene.camera, self._camera)
        self._seen.clear()
        self._ours.clear()

    def _name(self, layer: Layer, *, is_named: bool) -> None:
        overlay = layer.name_overlay
        overlay.visible = is_named
        if is_named:
            # The line of text that says the place is in the upper left corner.
            overlay.position = "bottom_left"

    def _put_back(self, model: Any, values: Mapping[str, Any]) -> None:  # noqa: ANN401 -- napari is untyped
        for name, value in values.items():
            setattr(model, name, value)
