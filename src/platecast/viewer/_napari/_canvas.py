"""A napari viewer as the canvas of a session: where its sliders stand, and what is to be seen there."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy.typing as npt
from napari.layers import Image, Layer
from napari.viewer import Viewer, ViewerModel
from qtpy.QtCore import Qt

from platecast.components import Components
from platecast.layers import (
    Index,
    LayerStore,
    Pixels,
    PlaneStack,
    Regrouping,
    StoredLayer,
    Value,
)
from platecast.records import Records
from platecast.viewer._napari._layer_list import LayerList
from platecast.viewer._napari._on_screen import OnScreen
from platecast.viewer._napari._picture import png_bytes
from platecast.viewer._napari._private import main_window, slice_in_background
from platecast.viewer._napari._record_view import RecordView
from platecast.viewer._napari._sliders import Sliders
from platecast.viewer._session._look import is_looked_at, place_of
from platecast.viewer._session._nearest import like, nearest_place, values_with_planes
from platecast.viewer._session._probe import ArrivalProbe, StepProbe
from platecast.viewer._session._steps import Step, newest_steps

_log = logging.getLogger(__name__)

_MOST_LAYERS = 24
"""Beyond these only layers that are looked at are made: 64 visible ones take 0.6 s a step of a slider."""


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
    put_off_thumbnail
        Called where the thumbnail of a layer is out of date; without it that is made at once.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        store: LayerStore,
        port: int,
        put_off_thumbnail: Callable[[Layer], None] | None = None,
    ) -> None:
        self._viewer = viewer
        self._store = store
        self.on_screen = OnScreen(viewer, port)
        """Says what is on screen."""
        self.on_touched: Callable[[], None] = _nothing
        """Called when the user, or somebody who asked, has gone to another place."""
        self.on_compared: Callable[[], None] = _nothing
        """Called when a comparison of steps has begun, changed or ended."""
        self._is_showing_more = False
        self.on_more: Callable[[], None] = _nothing
        """Called when `show_more` has something to do."""
        self.on_picture: Callable[[], None] = _nothing
        """Called before a picture is taken of the window, for what is not up to date at every moment."""
        self.pin: Callable[[Sequence[Pixels]], None] = _nothing_pinned
        """Called with the planes that are about to be on screen."""
        self._sliders = Sliders(viewer, store, self._tell_position, lambda: self.on_touched())
        self._sliders.about_to_move = self._prepare
        self._steps_taken = StepProbe(self._is_loaded)
        self._arrivals_seen = ArrivalProbe(self._is_loaded)
        self._layers = LayerList(viewer, store, self._sliders, self._tell_position, put_off_thumbnail)
        for event in ("enabled", "stride", "shape"):
            # Last: napari has drawn the cells by then.
            getattr(viewer.canvas.grid.events, event).connect(
                lambda _: self._tell_position(), position="last"
            )
        self._tell_position()

    def add_layer(self, layer: StoredLayer, index: Index) -> bool:
        """Show a layer, or remember it until it is looked at; see `Canvas.add_layer`."""
        if not self._layers.add(layer):
            return False
        if self._layers.opens_another_plate(layer):
            self._viewer.reset_view()
            self._layers.place |= place_of(layer.key)
            self._stand_on(dict(zip(layer.key.stacked, index, strict=True)))
        else:
            self._stand_on(self._sliders.values)
        self._layers.compare_again()
        if self._layers.shown[layer].layer.visible:
            self._arrivals_seen.came()
        return True

    def axes_changed(self) -> None:
        """Follow the shared axes; see `Canvas.axes_changed`."""
        if not self._layers.shown:
            return
        values = dict(self._sliders.values)
        self._layers.follow_axes()
        self._stand_on(values)

    def regroup(self, regrouping: Regrouping) -> list[StoredLayer]:
        """Let layers take the place of others; see `Canvas.regroup`."""
        values = self.values_on_screen()
        left = self._layers.regroup(regrouping, values)
        if self._layers.shown:
            self._layers.follow_axes()
            self._stand_on(values)
        else:
            self._tell_position()
        return left

    def rename(self, layer: StoredLayer) -> None:
        """Take over a layer's new name; see `Canvas.rename`."""
        self._layers.rename(layer)

    def refresh(self, layers: Iterable[StoredLayer]) -> None:
        """Draw layers again; see `Canvas.refresh`."""
        for layer in layers:
            view = self._layers.shown[layer].view if layer in self._layers.shown else None
            if view is not None:
                view.forget()
            if layer in self._layers.shown and isinstance(layer.stack, PlaneStack):
                # Neither the extent nor the highlight depends on pixels, and both cost time in all layers.
                self._layers.shown[layer].layer.refresh(extent=False, highlight=False)
                self._arrivals_seen.came()
        self._tell_position()

    def show_more(self) -> bool:
        """Show the next portion of what is too much for one turn; see `Canvas.show_more`."""
        filling = self._filling()
        if filling:
            self._is_showing_more = True
            try:
                filling[0].show_more(self._sliders)
                self._tell_position()
            finally:
                self._is_showing_more = False
        return bool(self._filling())

    def _filling(self) -> list[RecordView]:
        return [
            shown.view
            for shown in self._layers.shown.values()
            if isinstance(shown.view, RecordView) and shown.view.is_filling and shown.layer.visible
        ]

    def features_changed(self, places: Iterable[Components]) -> None:
        """Take in that tables came; see `Canvas.features_changed`."""
        if any(self._sliders.may_be_here(place) for place in places):
            for shown in self._layers.shown.values():
                if shown.view is not None:
                    shown.view.forget()
        self._tell_position()

    def is_on_screen(self, layer: StoredLayer, index: Index) -> bool:
        """Say whether a plane can be seen; see `Canvas.is_on_screen`."""
        shown = self._layers.shown.get(layer)
        return shown is not None and shown.layer.visible and self._sliders.is_here(layer, index)

    def go_to(self, values: Mapping[str, Value]) -> None:
        """Move the sliders and look at the layers of another place; see `Canvas.go_to`."""
        values = nearest_place(self._store, self._alike, values, self.values_on_screen())
        if not values.items() <= self.values_on_screen().items():
            self._steps_taken.begin()
        self._go_to(values)
        self.on_touched()

    def _go_to(self, values: Mapping[str, Value]) -> None:
        own = {name: value for name, value in values.items() if name in self._layers.place}
        along = {name: value for name, value in values.items() if self._store.axes.values(name)}
        if not own:
            self._store.axes.position(values)
        if any(self._layers.place[name] != value for name, value in own.items()):
            self._layers.look_at(own)
            self._layers.compare_again()
        self._stand_on(self._sliders.values | along)

    def values_on_screen(self) -> dict[str, Value]:
        """Return where the window looks; see `Canvas.values_on_screen`."""
        return self._layers.place | self._sliders.values if self._layers.shown else {}

    def values_here(self, component: str) -> tuple[Value, ...]:
        """Return the values of a component that have planes at this place: the sites of this well."""
        there = values_with_planes(self._alike, component, self.values_on_screen())
        return tuple(value for value in self._store.values(component) if value in there)

    @property
    def plate_on_screen(self) -> str | None:
        """The plate that is on screen; of several, that of the newest layer."""
        shown = reversed(self._layers.shown.items())
        return next((layer.key.plate for layer, s in shown if s.layer.visible), None)

    @property
    def _alike(self) -> list[StoredLayer]:
        visible = (layer for layer, shown in self._layers.shown.items() if shown.layer.visible)
        return like(self._store.layers, visible)

    def time_pictures(self, *, is_wanted: bool) -> dict[str, float | None]:
        """Begin or end to note what it takes until something is seen; see `Canvas.time_pictures`."""
        if is_wanted:
            self._steps_taken.start()
            self._arrivals_seen.start()
            return {}
        return self._steps_taken.stop() | self._arrivals_seen.stop()

    def painted(self) -> None:
        """Hear that the window has been composed anew."""
        self._steps_taken.painted()
        self._arrivals_seen.painted()

    def names(self) -> dict[str, StoredLayer]:
        """Return the layers by name; see `Canvas.names`."""
        names = {shown.layer.name: layer for layer, shown in self._layers.shown.items()}
        return names | {layer.name: layer for layer in self._layers.unseen if layer.name not in names}

    def state(self, layer: StoredLayer) -> dict[str, Any]:
        """Return what the user may have changed; see `Canvas.state`."""
        if layer not in self._layers.shown:
            return {"visible": False, "opacity": 1.0, "materialised": False}
        shown = self._layers.shown[layer].layer
        state: dict[str, Any] = {"visible": bool(shown.visible), "opacity": float(shown.opacity)}
        view = self._layers.shown[layer].view
        state["materialised"] = True
        if isinstance(view, RecordView):
            state["filling"] = view.is_filling
        if isinstance(shown, Image) and not shown.rgb:
            state["colormap"] = str(shown.colormap.name)
            state["contrast_limits"] = [float(limit) for limit in shown.contrast_limits]
        return state

    def set_visible(self, layer: StoredLayer, *, is_visible: bool) -> None:
        """Show or hide a layer; see `Canvas.set_visible`."""
        if layer not in self._layers.shown:
            raise LookupError(f"layer {layer.name!r} is not looked at; go to its place first")
        self._layers.shown[layer].layer.visible = is_visible

    def read(self, layer: StoredLayer, position: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return one plane; see `Canvas.read`."""
        if not isinstance(layer.stack, PlaneStack):
            raise LookupError(f"layer {layer.name!r} holds records: there are no pixels to read")
        data = self._layers.shown[layer].layer.data if layer in self._layers.shown else layer.stack
        plane: npt.NDArray[Any] = data[position]
        return plane

    def remove(self, layers: Sequence[StoredLayer]) -> None:
        """Stop showing layers; see `Canvas.remove`."""
        self._layers.remove(layers)
        self._tell_position()

    def follow(self, layer: StoredLayer, index: Index) -> bool:
        """Go to a plane that has just come; see `Canvas.follow`."""
        shown = self._layers.shown.get(layer)
        is_elsewhere = not is_looked_at(layer.key, self._layers.place)
        if not is_elsewhere and (shown is None or not shown.layer.visible):
            return False
        before = self.values_on_screen()
        self._go_to(place_of(layer.key) | dict(zip(layer.key.stacked, index, strict=True)))
        has_moved = self.values_on_screen() != before
        if has_moved:
            self._arrivals_seen.came()
        return has_moved

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that can be compared; see `Canvas.steps`."""
        return newest_steps(layer.key for layer in self._store.layers)

    @property
    def compared(self) -> tuple[Step, ...]:
        """The steps that are compared; see `Canvas.compared`."""
        return self._layers.comparison.steps

    def compare(self, steps: Sequence[Step], *, side_by_side: bool) -> None:
        """Show some steps and nothing else; see `Canvas.compare`."""
        self._layers.compare(steps, side_by_side=side_by_side)
        self._tell_position()
        self.on_compared()

    def turn(self) -> None:
        """Show the next of the compared steps, in turns; see `Canvas.turn`."""
        comparison = self._layers.comparison
        if comparison.is_gridded:
            self.compare(comparison.steps, side_by_side=False)
            return
        comparison.turn()
        self._layers.compare_again()

    def screenshot(self, *, canvas_only: bool) -> bytes:
        """Return a picture as PNG; see `Canvas.screenshot`."""
        viewer = self._window_viewer()
        self.on_picture()
        return png_bytes(viewer.screenshot(canvas_only=canvas_only, flash=False))

    def bring_to_front(self) -> None:
        """Put the window before all others; see `Canvas.bring_to_front`."""
        window = main_window(self._window_viewer())
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()

    def close(self) -> None:
        """Close the window; see `Canvas.close`."""
        self._window_viewer().close()

    def _window_viewer(self) -> Viewer:
        if not isinstance(self._viewer, Viewer):
            raise RuntimeError("this viewer is a model without a window")
        return self._viewer

    def _stand_on(self, values: Mapping[str, Value]) -> None:
        self._sliders.stand_on(values, self._store.layers)

    def planes_at(self, values: Mapping[str, Value]) -> list[Pixels]:
        """Return the planes that can be seen where the sliders stand on some values."""
        return [
            plane
            for layer, shown in self._layers.shown.items()
            if shown.layer.visible
            for plane in self._sliders.planes_here(layer, values)
            if not isinstance(plane, Records)
        ]

    def _prepare(self, values: Mapping[str, Value]) -> None:
        """Keep in memory what is about to be on screen, and have the rest of it read in the background."""
        if values != self._sliders.values:
            self._steps_taken.begin()
        planes = self.planes_at(values)
        self.pin(planes)
        if isinstance(self._viewer, Viewer):
            slice_in_background(self._viewer, is_wanted=any(not plane.nbytes for plane in planes))

    def _is_loaded(self) -> bool:
        return all(shown.layer.loaded for shown in self._layers.shown.values() if shown.layer.visible)

    def _tell_position(self, _event: object = None) -> None:
        """Say what is on screen, and which layers have nothing there."""
        if self._sliders.is_changing:
            return
        if not self._layers.shown:
            self.on_screen.wait()
            return
        self._follow_views()
        visible = [(layer, s.layer) for layer, s in self._layers.shown.items() if s.layer.visible]
        filling = self._filling()
        remarks = [self._layers.comparison.remark, *(view.remark for view in filling)]
        self.on_screen.tell(
            self.values_on_screen(), visible, self._sliders, " · ".join(filter(None, remarks))
        )
        if filling and not self._is_showing_more:
            self.on_more()

    def _follow_views(self) -> None:
        """Give the layers of records, and the features of labels, what lies where the sliders stand."""
        for shown in self._layers.shown.values():
            if shown.view is not None and shown.layer.visible:
                try:
                    shown.view.follow(self._sliders)
                except Exception:
                    # The edge towards napari: one layer must not stop the sliders of all.
                    _log.exception("layer %s does not show what is on screen", shown.layer.name)


def _nothing_pinned(planes: Sequence[Pixels]) -> None:
    """Keep nothing: everything is in memory."""


def _nothing() -> None:
    """Tell nobody."""
