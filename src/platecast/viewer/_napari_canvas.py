"""The layers of a `LayerStore` as napari layers."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy.typing as npt
from napari.layers import Image, Layer
from napari.viewer import Viewer, ViewerModel

from platecast.components import Components
from platecast.layers import (
    Index,
    LayerKey,
    LayerStore,
    Pixels,
    PlaneStack,
    Regrouping,
    StoredLayer,
    Value,
)
from platecast.records import Records
from platecast.viewer._comparison import Comparison, ShownLayer
from platecast.viewer._labels_view import LabelsView
from platecast.viewer._look import insert_place, is_looked_at, place_of, rank_of, topic
from platecast.viewer._napari_private import main_window, slice_in_background, update_extents
from platecast.viewer._on_screen import OnScreen
from platecast.viewer._picture import png_bytes
from platecast.viewer._plane_layers import (
    Settings,
    channel_colormap,
    make_layer,
    settings_of,
    take_over,
    wanted_colormap,
)
from platecast.viewer._record_view import RecordView
from platecast.viewer._scaling import Scaling
from platecast.viewer._sliders import Sliders
from platecast.viewer._steps import Step, newest_steps
from platecast.viewer._stream_dock import StreamDock

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
    """

    def __init__(self, viewer: ViewerModel, store: LayerStore, port: int) -> None:
        self._viewer = viewer
        self._store = store
        self._shown: dict[StoredLayer, ShownLayer] = {}
        self._stored: dict[Layer, StoredLayer] = {}
        self._unseen: dict[StoredLayer, None] = {}
        """Layers that nobody has looked at, and that napari does not know."""
        self._kept: dict[StoredLayer, Settings] = {}
        """How layers without a napari layer are to look."""
        self._place: dict[str, Value] = {}
        """Where the window looks among components that have layers of their own."""
        self._selected_by_us: set[Layer] = set()
        self.on_screen = OnScreen(viewer, port)
        """Says what is on screen."""
        self.on_touched: Callable[[], None] = _nothing
        """Called when the user, or somebody who asked, has gone to another place."""
        self.on_compared: Callable[[], None] = _nothing
        """Called when a comparison of steps has begun, changed or ended."""
        self.pin: Callable[[Sequence[Pixels]], None] = _nothing_pinned
        """Called with the planes that are about to be on screen."""
        self._comparison = Comparison(viewer)
        self._scaling = Scaling(viewer, store)
        self._sliders = Sliders(viewer, store, self._tell_position, lambda: self.on_touched())
        self._sliders.about_to_move = self._prepare
        viewer.layers.events.removed.connect(self._forget)
        for event in ("enabled", "stride", "shape"):
            # Last: napari has drawn the cells by then.
            getattr(viewer.canvas.grid.events, event).connect(
                lambda _: self._tell_position(), position="last"
            )
        self._tell_position()

    def add_layer(self, layer: StoredLayer, index: Index) -> bool:
        """Show a layer, or remember it until it is looked at; see `Canvas.add_layer`."""
        for name, value in place_of(layer.key).items():
            self._place.setdefault(name, value)
        if len(self._store.layers) > _MOST_LAYERS and not is_looked_at(layer.key, self._place):
            self._unseen[layer] = None
            return False
        self._make(layer)
        self._tidy()
        self._follow_scale()
        if self._opens_another_plate(layer):
            self._viewer.reset_view()
            self._place |= place_of(layer.key)
            self._stand_on(dict(zip(layer.key.stacked, index, strict=True)))
        else:
            self._stand_on(self._sliders.values)
        self._reapply()
        return True

    def axes_changed(self) -> None:
        """Follow the shared axes; see `Canvas.axes_changed`."""
        if not self._shown:
            return
        values = dict(self._sliders.values)
        with self._sliders.changing():
            update_extents(self._viewer, [shown.layer for shown in self._shown.values()])
        self._follow_scale()
        self._stand_on(values)

    def regroup(self, regrouping: Regrouping) -> list[StoredLayer]:
        """Let layers take the place of others; see `Canvas.regroup`."""
        values = self.values_on_screen()
        self._place = {}
        for layer in self._store.layers:
            for name, value in place_of(layer.key).items():
                self._place.setdefault(name, values.get(name, value))
        for layer in regrouping.renamed:
            self.rename(layer)
        free = [old for old in regrouping.removed if old in self._shown]
        made = sorted(regrouping.origins, key=lambda layer: not is_looked_at(layer.key, self._place))
        left = []
        for layer in made:
            olds = [old for old in regrouping.origins[layer] if old in self._shown]
            olds.sort(key=lambda old: not self._shown[old].layer.visible)
            if olds:
                self._kept[layer] = settings_of(self._shown[olds[0]].layer)
            source = next((old for old in olds if old in free), None)
            if source is None or not is_looked_at(layer.key, self._place):
                left.append(layer)
                continue
            free.remove(source)
            self._hand_over(source, layer)
        for old in regrouping.removed:
            self._unseen.pop(old, None)
            self._kept.pop(old, None)
        # Until the axes are followed below, sliders and axes disagree.
        with self._sliders.changing(), self._viewer.layers.batched_update():
            for old in free:
                self._viewer.layers.remove(self._shown[old].layer)
        if self._shown:
            with self._sliders.changing():
                update_extents(self._viewer, [shown.layer for shown in self._shown.values()])
            self._follow_scale()
            self._stand_on(values)
        else:
            self._tell_position()
        return left

    def rename(self, layer: StoredLayer) -> None:
        """Take over a layer's new name; see `Canvas.rename`."""
        shown = self._shown.get(layer)
        if shown is not None and shown.layer.name == shown.name:
            shown.layer.name = layer.name
            shown.name = shown.layer.name

    def refresh(self, layers: Iterable[StoredLayer]) -> None:
        """Draw layers again; see `Canvas.refresh`."""
        for layer in layers:
            view = self._shown[layer].view if layer in self._shown else None
            if view is not None:
                view.forget()
            if layer in self._shown and isinstance(layer.stack, PlaneStack):
                # Neither the extent nor the highlight depends on pixels, and both cost time in all layers.
                self._shown[layer].layer.refresh(extent=False, highlight=False)
        self._tell_position()

    def features_changed(self, places: Iterable[Components]) -> None:
        """Take in that tables came; see `Canvas.features_changed`."""
        if any(self._sliders.may_be_here(place) for place in places):
            for shown in self._shown.values():
                if shown.view is not None:
                    shown.view.forget()
        self._tell_position()

    def is_on_screen(self, layer: StoredLayer, index: Index) -> bool:
        """Say whether a plane can be seen; see `Canvas.is_on_screen`."""
        shown = self._shown.get(layer)
        return shown is not None and shown.layer.visible and self._sliders.is_here(layer, index)

    def go_to(self, values: Mapping[str, Value]) -> None:
        """Move the sliders and look at the layers of another place; see `Canvas.go_to`."""
        self._go_to(values)
        self.on_touched()

    def _go_to(self, values: Mapping[str, Value]) -> None:
        own = {name: value for name, value in values.items() if name in self._place}
        along = {name: value for name, value in values.items() if self._store.axes.values(name)}
        if not own:
            self._store.axes.position(values)
        if any(self._place[name] != value for name, value in own.items()):
            self._look_at(own)
            self._reapply()
        self._stand_on(self._sliders.values | along)

    def values_on_screen(self) -> dict[str, Value]:
        """Return where the window looks; see `Canvas.values_on_screen`."""
        return self._place | self._sliders.values if self._shown else {}

    def names(self) -> dict[str, StoredLayer]:
        """Return the layers by name; see `Canvas.names`."""
        names = {shown.layer.name: layer for layer, shown in self._shown.items()}
        return names | {layer.name: layer for layer in self._unseen if layer.name not in names}

    def state(self, layer: StoredLayer) -> dict[str, Any]:
        """Return what the user may have changed; see `Canvas.state`."""
        if layer not in self._shown:
            return {"visible": False, "opacity": 1.0, "materialised": False}
        shown = self._shown[layer].layer
        state: dict[str, Any] = {"visible": bool(shown.visible), "opacity": float(shown.opacity)}
        state["materialised"] = True
        if isinstance(shown, Image) and not shown.rgb:
            state["colormap"] = str(shown.colormap.name)
            state["contrast_limits"] = [float(limit) for limit in shown.contrast_limits]
        return state

    def read(self, layer: StoredLayer, position: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return one plane; see `Canvas.read`."""
        if not isinstance(layer.stack, PlaneStack):
            raise LookupError(f"layer {layer.name!r} holds records: there are no pixels to read")
        data = self._shown[layer].layer.data if layer in self._shown else layer.stack
        plane: npt.NDArray[Any] = data[position]
        return plane

    def remove(self, layers: Sequence[StoredLayer]) -> None:
        """Stop showing layers; see `Canvas.remove`."""
        # Sliders and axes disagree until the axes are followed.
        with self._sliders.changing(), self._viewer.layers.batched_update():
            for layer in layers:
                self._kept.pop(layer, None)
                if layer in self._shown:
                    self._viewer.layers.remove(self._shown[layer].layer)
                elif layer in self._unseen:
                    del self._unseen[layer]
                    self._store.remove(layer)
        self._tell_position()

    def follow(self, layer: StoredLayer, index: Index) -> bool:
        """Go to a plane that has just come; see `Canvas.follow`."""
        shown = self._shown.get(layer)
        is_elsewhere = not is_looked_at(layer.key, self._place)
        if not is_elsewhere and (shown is None or not shown.layer.visible):
            return False
        before = self.values_on_screen()
        self._go_to(place_of(layer.key) | dict(zip(layer.key.stacked, index, strict=True)))
        return self.values_on_screen() != before

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that can be compared; see `Canvas.steps`."""
        return newest_steps(layer.key for layer in self._store.layers)

    @property
    def compared(self) -> tuple[Step, ...]:
        """The steps that are compared; see `Canvas.compared`."""
        return self._comparison.steps

    def compare(self, steps: Sequence[Step], *, side_by_side: bool) -> None:
        """Show some steps and nothing else; see `Canvas.compare`."""
        with self._sliders.changing():
            if steps:
                self._comparison.begin(self._shown, self._place, steps, grid=side_by_side)
                self._comparison.apply(self._shown, self._place)
            elif self._comparison.steps:
                self._comparison.end(self._shown, self._place)
        self._tell_position()
        self.on_compared()

    def turn(self) -> None:
        """Show the next of the compared steps, in turns; see `Canvas.turn`."""
        if self._comparison.is_gridded:
            self.compare(self._comparison.steps, side_by_side=False)
            return
        self._comparison.turn()
        self._reapply()

    def _reapply(self) -> None:
        if self._comparison.steps:
            with self._sliders.changing():
                self._comparison.apply(self._shown, self._place)
            self._tell_position()

    def screenshot(self, *, canvas_only: bool) -> bytes:
        """Return a picture as PNG; see `Canvas.screenshot`."""
        viewer = self._window_viewer()
        for dock in main_window(viewer).findChildren(StreamDock):
            # It counts twice a second, and a picture should say what the ledger says.
            dock.update_values()
        return png_bytes(viewer.screenshot(canvas_only=canvas_only, flash=False))

    def close(self) -> None:
        """Close the window; see `Canvas.close`."""
        self._window_viewer().close()

    def _window_viewer(self) -> Viewer:
        if not isinstance(self._viewer, Viewer):
            raise RuntimeError("this viewer is a model without a window")
        return self._viewer

    def _make(self, layer: StoredLayer) -> None:
        """Make a napari layer and insert it."""
        hidden = layer.key in self._hidden(self._store.layers)
        wanted = wanted_colormap(layer)
        is_plain = layer.contrast is not None and wanted is None
        chosen = channel_colormap(layer, self._store) if is_plain else None
        made = make_layer(layer, wanted or chosen, visible=not hidden)
        settings = self._kept.pop(layer, None)
        if settings is not None:
            take_over(made, settings)
        layers = self._viewer.layers
        neighbours = [
            (other in self._stored, rank_of(self._stored[other].key) if other in self._stored else 0)
            for other in layers
        ]
        place = insert_place(rank_of(layer.key), neighbours)
        selected = set(layers.selection)
        self._scaling.begin(layer, made)
        with self._sliders.changing():
            layers.insert(place, made)
            # napari selects what is new; that is welcome only while the user has selected nothing else.
            if selected and (selected != self._selected_by_us or not made.visible):
                layers.selection = selected
            else:
                self._selected_by_us = {made}
        # napari numbers a name that one of the user's own layers bears already.
        self._shown[layer] = ShownLayer(made, made.name, chosen, view=self._view_of(layer, made))
        self._stored[made] = layer
        made.events.visible.connect(self._notice_visibility)
        made.events.loaded.connect(self._tell_position)

    def _hand_over(self, old: StoredLayer, layer: StoredLayer) -> None:
        """Let a napari layer show another stored layer: 5 ms, where a new one takes 60."""
        shown = self._shown.pop(old)
        self._kept.pop(layer, None)
        if isinstance(layer.stack, PlaneStack):
            with self._sliders.changing():
                shown.layer.data = layer.stack
        shown.view = self._view_of(layer, shown.layer)
        self._shown[layer] = shown
        self._stored[shown.layer] = layer
        if shown.layer.name == shown.name:
            shown.layer.name = layer.name
            shown.name = shown.layer.name

    def _view_of(self, layer: StoredLayer, made: Layer) -> RecordView | LabelsView | None:
        if layer.key.is_records:
            return RecordView(layer, made, self._store)
        return LabelsView(layer, made, self._store) if layer.key.is_labels else None

    def _look_at(self, place: Mapping[str, Value]) -> None:
        """Show the layers of another place instead of those that lie where the window looked."""
        left = {layer: s for layer, s in self._shown.items() if is_looked_at(layer.key, self._place)}
        self._place |= place
        wanted = [layer for layer in self._store.layers if is_looked_at(layer.key, self._place)]
        left = {layer: shown for layer, shown in left.items() if layer not in wanted}
        siblings = {topic(layer.key): layer for layer in left}
        set_by_user = {
            topic(layer.key): s.layer.visible for layer, s in left.items() if not s.is_visibility_ours
        }
        for shown in left.values():
            shown.is_visibility_ours = True
            self._set_visible(shown, is_visible=False)
        hidden = self._hidden(wanted)
        for layer in wanted:
            if layer in self._unseen:
                del self._unseen[layer]
                self._show_unseen(layer, siblings.get(topic(layer.key)), wanted)
            shown = self._shown[layer]
            if topic(layer.key) in set_by_user:
                shown.is_visibility_ours = False
                self._set_visible(shown, is_visible=set_by_user[topic(layer.key)])
            elif shown.is_visibility_ours:
                self._set_visible(shown, is_visible=layer.key not in hidden)
        self._follow_scale()

    def _hidden(self, layers: Sequence[StoredLayer]) -> set[LayerKey]:
        return self._comparison.hidden([layer.key for layer in layers], self._place)

    def _set_visible(self, shown: ShownLayer, *, is_visible: bool) -> None:
        if shown.layer.visible != is_visible:
            with self._sliders.changing():
                shown.layer.visible = is_visible

    def _show_unseen(
        self, layer: StoredLayer, sibling: StoredLayer | None, wanted: Sequence[StoredLayer]
    ) -> None:
        """Show a layer, in a napari layer that nothing else needs where there is one."""
        if layer not in self._kept and sibling is not None and sibling in self._shown:
            self._kept[layer] = settings_of(self._shown[sibling].layer)
        spare = [
            other
            for other, shown in self._shown.items()
            if shown.is_visibility_ours and other not in wanted and topic(other.key) == topic(layer.key)
        ]
        if len(self._shown) < _MOST_LAYERS or not spare:
            self._make(layer)
            return
        settings = self._kept.get(layer)
        self._kept[spare[0]] = settings_of(self._shown[spare[0]].layer)
        self._unseen[spare[0]] = None
        self._hand_over(spare[0], layer)
        if settings is not None:
            take_over(self._shown[layer].layer, settings)

    def _opens_another_plate(self, layer: StoredLayer) -> bool:
        """Say whether a new layer is all there is to see, of a plate that was not there before.

        Only then the sliders and the camera move: where they stood there is nothing of this plate.
        """
        others = [(other, shown) for other, shown in self._shown.items() if other is not layer]
        return not any(shown.layer.visible or other.key.plate == layer.key.plate for other, shown in others)

    def _tidy(self) -> None:
        """Hide and recolour layers beside a new one, but none on which the user has set that."""
        hidden = self._hidden(self._store.layers)
        for layer, shown in self._shown.items():
            if layer.key in hidden and shown.is_visibility_ours:
                self._set_visible(shown, is_visible=False)
            if shown.colormap is not None and shown.layer.colormap.name == shown.colormap:
                wanted = channel_colormap(layer, self._store)
                if wanted != shown.colormap:
                    shown.layer.colormap = shown.colormap = wanted

    def _follow_scale(self) -> None:
        with self._sliders.changing():
            has_changed = self._scaling.follow((layer, s.layer) for layer, s in self._shown.items())
        if has_changed:
            self._viewer.reset_view()

    def _stand_on(self, values: Mapping[str, Value]) -> None:
        self._sliders.stand_on(values, self._store.layers)

    def planes_at(self, values: Mapping[str, Value]) -> list[Pixels]:
        """Return the planes that can be seen where the sliders stand on some values."""
        return [
            plane
            for layer, shown in self._shown.items()
            if shown.layer.visible
            for plane in self._sliders.planes_here(layer, values)
            if not isinstance(plane, Records)
        ]

    def _prepare(self, values: Mapping[str, Value]) -> None:
        """Keep in memory what is about to be on screen, and have the rest of it read in the background."""
        planes = self.planes_at(values)
        self.pin(planes)
        if isinstance(self._viewer, Viewer):
            slice_in_background(self._viewer, is_wanted=any(not plane.nbytes for plane in planes))

    def _tell_position(self, _event: object = None) -> None:
        """Say what is on screen, and which layers have nothing there."""
        if self._sliders.is_changing:
            return
        if not self._shown:
            self.on_screen.wait()
            return
        self._follow_views()
        visible = [(layer, s.layer) for layer, s in self._shown.items() if s.layer.visible]
        self.on_screen.tell(self.values_on_screen(), visible, self._sliders, self._comparison.remark)

    def _follow_views(self) -> None:
        """Give the layers of records, and the features of labels, what lies where the sliders stand."""
        for shown in self._shown.values():
            if shown.view is not None and shown.layer.visible:
                try:
                    shown.view.follow(self._sliders)
                except Exception:
                    # The edge towards napari: one layer must not stop the sliders of all.
                    _log.exception("layer %s does not show what is on screen", shown.layer.name)

    def _notice_visibility(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        layer = self._stored.get(event.source)
        if layer is not None and not self._sliders.is_changing:
            self._shown[layer].is_visibility_ours = False
            self._tell_position()

    def _forget(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        layer = self._stored.pop(event.value, None)
        if layer is not None:
            del self._shown[layer]
            self._scaling.forget(event.value)
            self._selected_by_us.discard(event.value)
            self._store.remove(layer)
            if not self._shown and not self._unseen:
                self._place.clear()
            self._tell_position()


def _nothing_pinned(planes: Sequence[Pixels]) -> None:
    """Keep nothing: everything is in memory."""


def _nothing() -> None:
    """Tell nobody."""
