"""The layers of a `LayerStore` as napari layers."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import ensure_colormap
from napari.viewer import Viewer, ViewerModel

from platecast.components import Kind
from platecast.layers import AXIS_NAMES, Index, LayerStore, StoredLayer, Value, contrast_range
from platecast.viewer._look import SINGLE_COLORMAP, channel_colormaps, hidden_layers, insert_place
from platecast.viewer._napari_private import update_extents
from platecast.viewer._overlay import position_text, waiting_text
from platecast.viewer._picture import png_bytes

_log = logging.getLogger(__name__)

_LABELS_OPACITY = 0.5
_AXIS_LABELS = ("well", "site", "channel", "t", "z", "y", "x")
_NDIM = len(_AXIS_LABELS)
# One unit everywhere: napari gives up on units altogether where two layers disagree about an axis.
_UNITS = ("pixel",) * _NDIM


@dataclass(eq=False, slots=True)
class _Shown:
    """A napari layer and what we last set on it; anything else was set by the user."""

    layer: Layer
    name: str
    colormap: str | None
    is_visibility_ours: bool = True


class NapariCanvas:
    """Shows the layers of a store in a napari viewer. For the window's thread.

    Parameters
    ----------
    viewer
        A viewer with its window, or a bare model where nothing is painted.
    store
        Whose layers are shown; a layer that the user removes is removed there too.
    port
        What an empty window says it waits on.
    """

    def __init__(self, viewer: ViewerModel, store: LayerStore, port: int) -> None:
        self._viewer = viewer
        self._store = store
        self._port = port
        self._shown: dict[StoredLayer, _Shown] = {}
        self._stored: dict[Layer, StoredLayer] = {}
        self._values: dict[str, Value] = {}
        self._wide_axes: frozenset[str] = frozenset()
        self._selected_by_us: set[Layer] = set()
        self._is_changing = False
        dims = viewer.dims.events
        for event in (dims.point, dims.order, dims.ndisplay, dims.margin_left, dims.margin_right):
            event.connect(self._follow_sliders)
        viewer.layers.events.removed.connect(self._forget)
        overlay = viewer.canvas.overlays.text
        overlay.position = "top_left"
        overlay.font_size = 14
        overlay.visible = True
        self._update_text()

    def add_layer(self, layer: StoredLayer, index: Index) -> None:
        """Show a layer; see `Canvas.add_layer`."""
        layers = self._viewer.layers
        made, colormap = self._make(layer)
        neighbours = [(other in self._stored, isinstance(other, Labels)) for other in layers]
        place = insert_place(layer.key.kind is Kind.LABELS, neighbours)
        selected = set(layers.selection)
        with self._changing():
            layers.insert(place, made)
            # napari selects what is new; that is welcome only while the user has selected nothing else.
            if selected and (selected != self._selected_by_us or not made.visible):
                layers.selection = selected
            else:
                self._selected_by_us = {made}
        # napari numbers a name that one of the user's own layers bears already.
        self._shown[layer] = _Shown(made, made.name, colormap)
        self._stored[made] = layer
        made.events.visible.connect(self._notice_visibility)
        self._tidy()
        if self._opens_another_plate(layer):
            self._viewer.reset_view()
            self._stand_on(dict(zip(layer.key.stacked, index, strict=True)))
        else:
            self._stand_on(self._values)

    def axes_changed(self) -> None:
        """Follow the shared axes; see `Canvas.axes_changed`."""
        if not self._shown:
            return
        values = dict(self._values)
        with self._changing():
            update_extents(self._viewer, [shown.layer for shown in self._shown.values()])
        self._stand_on(values)

    def rename(self, layer: StoredLayer) -> None:
        """Take over a layer's new name; see `Canvas.rename`."""
        shown = self._shown.get(layer)
        if shown is not None and shown.layer.name == shown.name:
            shown.layer.name = layer.name
            shown.name = shown.layer.name

    def refresh(self, layers: Iterable[StoredLayer]) -> None:
        """Draw layers again; see `Canvas.refresh`."""
        for layer in layers:
            if layer in self._shown:
                # Neither the extent nor the highlight depends on pixels, and both cost time in all layers.
                self._shown[layer].layer.refresh(extent=False, highlight=False)
        self._update_text()

    def is_on_screen(self, layer: StoredLayer, index: Index) -> bool:
        """Say whether a plane can be seen; see `Canvas.is_on_screen`."""
        shown = self._shown.get(layer)
        return shown is not None and shown.layer.visible and self._is_here(layer, index)

    def go_to(self, values: Mapping[str, Value]) -> None:
        """Move the sliders; see `Canvas.go_to`."""
        self._stand_on(self._values | dict(values))

    def values_on_screen(self) -> dict[str, Value]:
        """Return where the sliders stand; see `Canvas.values_on_screen`."""
        return dict(self._values)

    def names(self) -> dict[str, StoredLayer]:
        """Return the layers by name; see `Canvas.names`."""
        return {shown.layer.name: layer for layer, shown in self._shown.items()}

    def state(self, layer: StoredLayer) -> dict[str, Any]:
        """Return what the user may have changed; see `Canvas.state`."""
        shown = self._shown[layer].layer
        state: dict[str, Any] = {"visible": bool(shown.visible), "opacity": float(shown.opacity)}
        if isinstance(shown, Image) and not shown.rgb:
            state["colormap"] = str(shown.colormap.name)
            state["contrast_limits"] = [float(limit) for limit in shown.contrast_limits]
        return state

    def read(self, layer: StoredLayer, position: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return one plane; see `Canvas.read`."""
        plane: npt.NDArray[Any] = self._shown[layer].layer.data[position]
        return plane

    def remove(self, layer: StoredLayer) -> None:
        """Stop showing a layer; see `Canvas.remove`."""
        if layer in self._shown:
            self._viewer.layers.remove(self._shown[layer].layer)

    def screenshot(self, *, canvas_only: bool) -> bytes:
        """Return a picture as PNG; see `Canvas.screenshot`."""
        return png_bytes(self._window_viewer().screenshot(canvas_only=canvas_only, flash=False))

    def close(self) -> None:
        """Close the window; see `Canvas.close`."""
        self._window_viewer().close()

    def _window_viewer(self) -> Viewer:
        if not isinstance(self._viewer, Viewer):
            raise RuntimeError("this viewer is a model without a window")
        return self._viewer

    def _make(self, layer: StoredLayer) -> tuple[Layer, str | None]:
        """Return a napari layer and the colormap that we chose for it, if we did."""
        common = {"name": layer.name, "axis_labels": _AXIS_LABELS, "units": _UNITS, "multiscale": False}
        common["visible"] = layer.key not in hidden_layers([other.key for other in self._store.layers])
        if layer.key.kind is Kind.LABELS:
            made = Labels(layer.stack, opacity=_LABELS_OPACITY, **common)
            # Planes are read-only and may be shared with the process that sent them.
            made.editable = False
            return made, None
        if layer.contrast is None:
            return Image(layer.stack, rgb=True, blending="translucent", **common), None
        colormap = self._wanted_colormap(layer)
        chosen = None if colormap is not None else self._channel_colormap(layer)
        made = Image(
            layer.stack,
            rgb=False,
            colormap=colormap or chosen,
            contrast_limits=layer.contrast,
            blending="additive",
            **common,
        )
        made.contrast_limits_range = contrast_range(layer.stack.dtype, layer.contrast)
        return made, chosen

    def _wanted_colormap(self, layer: StoredLayer) -> str | None:
        """Return the colormap that the sender asks for, if napari knows it."""
        name = layer.display.colormap
        if name is None:
            return None
        try:
            ensure_colormap(name)
        except (KeyError, ValueError, TypeError):
            _log.warning("layer %s: napari has no colormap %r, it gets that of its channel", layer.name, name)
            return None
        return name

    def _channel_colormap(self, layer: StoredLayer) -> str:
        keys = [other.key for other in self._store.layers if other.contrast is not None]
        channels = list(dict.fromkeys(key.channel for key in keys if key.channel is not None))
        channel = layer.key.channel
        several = len(channels) > 1 or len(self._store.axes.announced("channel")) > 1
        if channel is None or not several:
            return SINGLE_COLORMAP
        return channel_colormaps(channels)[channel]

    def _opens_another_plate(self, layer: StoredLayer) -> bool:
        """Say whether a new layer is all there is to see, of a plate that was not there before.

        Only then the sliders and the camera move: where they stood there is nothing of this plate.
        """
        others = [(other, shown) for other, shown in self._shown.items() if other is not layer]
        return not any(shown.layer.visible or other.key.plate == layer.key.plate for other, shown in others)

    def _tidy(self) -> None:
        """Hide and recolour layers beside a new one, but none on which the user has set that."""
        hidden = hidden_layers([layer.key for layer in self._store.layers])
        for layer, shown in self._shown.items():
            if layer.key in hidden and shown.is_visibility_ours and shown.layer.visible:
                with self._changing():
                    shown.layer.visible = False
            if shown.colormap is not None and shown.layer.colormap.name == shown.colormap:
                wanted = self._channel_colormap(layer)
                if wanted != shown.colormap:
                    shown.layer.colormap = shown.colormap = wanted

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Mark events as caused by us: sliders and axes may disagree until this is over."""
        was, self._is_changing = self._is_changing, True
        try:
            yield
        finally:
            self._is_changing = was

    def _stand_on(self, values: Mapping[str, Value]) -> None:
        """Put the sliders on values; an axis without one goes to the first plane that came along it."""
        axes = self._store.axes
        wanted = {name: value for name, value in values.items() if axes.values(name)}
        for layer in self._store.layers:
            first = dict(zip(layer.key.stacked, layer.stack.indices[0], strict=True))
            wanted = first | wanted
        dims = self._viewer.dims
        step = list(dims.current_step)
        for name, position in axes.position(wanted).items():
            step[self._dim_of(name)] = position
        with self._changing():
            dims.current_step = tuple(step)
        self._follow_sliders()

    def _dim_of(self, name: str) -> int:
        """Return an axis's place among the viewer's; a layer of the user's may have more axes in front."""
        return int(self._viewer.dims.ndim) - _NDIM + AXIS_NAMES.index(name)

    def _follow_sliders(self, _event: object = None) -> None:
        dims = self._viewer.dims
        if self._is_changing or not self._shown or dims.ndim < _NDIM:
            return
        axes = self._store.axes
        steps, displayed = dims.current_step, set(dims.displayed)
        values, wide = {}, set()
        for name, length in zip(AXIS_NAMES, axes.lengths, strict=True):
            dim = self._dim_of(name)
            value = axes.value(name, min(max(int(steps[dim]), 0), length - 1))
            if value is not None:
                values[name] = value
            if dim in displayed or dims.margin_left[dim] or dims.margin_right[dim]:
                wide.add(name)
        self._values, self._wide_axes = values, frozenset(wide)
        self._update_text()

    def _is_here(self, layer: StoredLayer, index: Index) -> bool:
        return all(
            name in self._wide_axes or self._values.get(name, value) == value
            for name, value in zip(layer.key.stacked, index, strict=True)
        )

    def _has_plane_here(self, layer: StoredLayer) -> bool:
        stacked = layer.key.stacked
        if not self._wide_axes.intersection(stacked):
            return layer.stack.plane(tuple(self._values[name] for name in stacked)) is not None
        return any(self._is_here(layer, index) for index in layer.stack.indices)

    def _update_text(self) -> None:
        if self._shown:
            visible = [layer for layer, shown in self._shown.items() if shown.layer.visible]
            text = position_text(
                {name: value for name, value in self._values.items() if name not in self._wide_axes},
                has_visible=bool(visible),
                is_missing=not any(self._has_plane_here(layer) for layer in visible),
            )
        else:
            text = waiting_text(self._port)
        overlay = self._viewer.canvas.overlays.text
        if overlay.text != text:
            overlay.text = text

    def _notice_visibility(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        layer = self._stored.get(event.source)
        if layer is not None and not self._is_changing:
            self._shown[layer].is_visibility_ours = False
            self._update_text()

    def _forget(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        layer = self._stored.pop(event.value, None)
        if layer is not None:
            del self._shown[layer]
            self._selected_by_us.discard(event.value)
            self._store.remove(layer)
            self._update_text()
