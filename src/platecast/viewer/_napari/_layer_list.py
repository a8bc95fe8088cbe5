"""The layers of a store as napari layers: which of them are made, how they look, and which are visible."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from napari.layers import Layer
from napari.viewer import ViewerModel

from platecast.layers import LayerKey, LayerStore, PlaneStack, Regrouping, StoredLayer, Value
from platecast.viewer._napari._comparison import Comparison, ShownLayer
from platecast.viewer._napari._labels_view import LabelsView
from platecast.viewer._napari._plane_layers import (
    Settings,
    channel_colormap,
    make_layer,
    settings_of,
    take_over,
    wanted_colormap,
)
from platecast.viewer._napari._private import on_loaded, selecting_new, update_extents
from platecast.viewer._napari._record_view import RecordView
from platecast.viewer._napari._scaling import Scaling
from platecast.viewer._napari._sliders import Sliders
from platecast.viewer._session._look import insert_place, is_looked_at, place_of, rank_of, topic
from platecast.viewer._session._steps import Step

_MOST_LAYERS = 24
"""Beyond these only layers that are looked at are made: 64 visible ones take 0.6 s a step of a slider."""


class LayerList:
    """Which layers of a store napari has, and what the user has set on them. For the window's thread.

    Parameters
    ----------
    viewer
        Whose layers they are.
    store
        Where they come from; a layer that the user removes is removed there too.
    sliders
        Must not take what happens here for the user's doing.
    tell
        Called when the user may see something else.
    put_off_thumbnail
        Called where the thumbnail of a layer is out of date, if given.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        store: LayerStore,
        sliders: Sliders,
        tell: Callable[..., None],
        put_off_thumbnail: Callable[[Layer], None] | None = None,
    ) -> None:
        self._viewer = viewer
        self._store = store
        self._sliders = sliders
        self._tell = tell
        self._put_off_thumbnail = put_off_thumbnail
        self._stored: dict[Layer, StoredLayer] = {}
        self._kept: dict[StoredLayer, Settings] = {}
        """How layers without a napari layer are to look."""
        self._selected_by_us: set[Layer] = set()
        self._scaling = Scaling(viewer, store)
        self.comparison = Comparison(viewer)
        """The steps that are compared, if some are."""
        self.shown: dict[StoredLayer, ShownLayer] = {}
        """The layers that napari has."""
        self.unseen: dict[StoredLayer, None] = {}
        """Layers that nobody has looked at, and that napari does not know."""
        self.place: dict[str, Value] = {}
        """Where the window looks among components that have layers of their own."""
        viewer.layers.events.removed.connect(self._forget)

    def add(self, layer: StoredLayer) -> bool:
        """Show a layer; False where there are so many that it is made when it is looked at."""
        for name, value in place_of(layer.key).items():
            self.place.setdefault(name, value)
        if len(self._store.layers) > _MOST_LAYERS and not is_looked_at(layer.key, self.place):
            self.unseen[layer] = None
            return False
        self._make(layer)
        self._tidy()
        self._follow_scale()
        return True

    def follow_axes(self) -> None:
        """Let napari know how long the axes are; the sliders are to be put on their values next."""
        with self._sliders.changing():
            update_extents(self._viewer, [shown.layer for shown in self.shown.values()])
        self._follow_scale()

    def compare(self, steps: Sequence[Step], *, side_by_side: bool) -> None:
        """Show some steps and nothing else; without steps the comparison ends."""
        with self._sliders.changing():
            if steps:
                self.comparison.begin(self.shown, self.place, steps, grid=side_by_side)
                self.comparison.apply(self.shown, self.place)
            elif self.comparison.steps:
                self.comparison.end(self.shown, self.place)

    def compare_again(self) -> None:
        """Show what belongs to the comparison now, if there is one: layers came, or another place is seen."""
        if self.comparison.steps:
            with self._sliders.changing():
                self.comparison.apply(self.shown, self.place)
            self._tell()

    def regroup(self, regrouping: Regrouping, values: Mapping[str, Value]) -> list[StoredLayer]:
        """Let layers take the place of others; return those that are to be added.

        Parameters
        ----------
        regrouping
            What changed.
        values
            Where the window looks; it does so afterwards, too.
        """
        self.place = {}
        for layer in self._store.layers:
            for name, value in place_of(layer.key).items():
                self.place.setdefault(name, values.get(name, value))
        for layer in regrouping.renamed:
            self.rename(layer)
        free = [old for old in regrouping.removed if old in self.shown]
        made = sorted(regrouping.origins, key=lambda layer: not is_looked_at(layer.key, self.place))
        left = []
        for layer in made:
            olds = [old for old in regrouping.origins[layer] if old in self.shown]
            olds.sort(key=lambda old: not self.shown[old].layer.visible)
            if olds:
                self._kept[layer] = settings_of(self.shown[olds[0]].layer)
            source = next((old for old in olds if old in free), None)
            if source is None or not is_looked_at(layer.key, self.place):
                left.append(layer)
                continue
            free.remove(source)
            self._hand_over(source, layer)
        for old in regrouping.removed:
            self.unseen.pop(old, None)
            self._kept.pop(old, None)
        # Until the axes are followed, sliders and axes disagree.
        with self._sliders.changing(), self._viewer.layers.batched_update():
            for old in free:
                self._viewer.layers.remove(self.shown[old].layer)
        return left

    def rename(self, layer: StoredLayer) -> None:
        """Take over a layer's new name, unless the user has named it."""
        shown = self.shown.get(layer)
        if shown is not None and shown.layer.name == shown.name:
            shown.layer.name = layer.name
            shown.name = shown.layer.name

    def remove(self, layers: Sequence[StoredLayer]) -> None:
        """Stop showing layers and let the store forget them; the axes are to be followed next."""
        # Sliders and axes disagree until the axes are followed.
        with self._sliders.changing(), self._viewer.layers.batched_update():
            for layer in layers:
                self._kept.pop(layer, None)
                if layer in self.shown:
                    self._viewer.layers.remove(self.shown[layer].layer)
                elif layer in self.unseen:
                    del self.unseen[layer]
                    self._store.remove(layer)

    def look_at(self, place: Mapping[str, Value]) -> None:
        """Show the layers of another place instead of those that lie where the window looked."""
        left = {layer: s for layer, s in self.shown.items() if is_looked_at(layer.key, self.place)}
        self.place |= place
        wanted = [layer for layer in self._store.layers if is_looked_at(layer.key, self.place)]
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
            if layer in self.unseen:
                del self.unseen[layer]
                self._show_unseen(layer, siblings.get(topic(layer.key)), wanted)
            shown = self.shown[layer]
            if topic(layer.key) in set_by_user:
                shown.is_visibility_ours = False
                self._set_visible(shown, is_visible=set_by_user[topic(layer.key)])
            elif shown.is_visibility_ours:
                self._set_visible(shown, is_visible=layer.key not in hidden)
        self._follow_scale()

    def opens_another_plate(self, layer: StoredLayer) -> bool:
        """Say whether a new layer is all there is to see, of a plate that was not there before.

        Only then the sliders and the camera move: where they stood there is nothing of this plate.
        """
        others = [(other, shown) for other, shown in self.shown.items() if other is not layer]
        return not any(shown.layer.visible or other.key.plate == layer.key.plate for other, shown in others)

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
        # napari selects what is new; that is welcome only while the user has selected nothing else.
        is_selected = not selected or (selected == self._selected_by_us and made.visible)
        self._scaling.begin(layer, made)
        made.put_off = self._put_off_thumbnail
        with self._sliders.changing(), selecting_new(self._viewer, is_wanted=is_selected):
            layers.insert(place, made)
        if is_selected:
            self._selected_by_us = {made}
        # napari numbers a name that one of the user's own layers bears already.
        self.shown[layer] = ShownLayer(made, made.name, chosen, view=self._view_of(layer, made))
        self._stored[made] = layer
        made.events.visible.connect(self._notice_visibility)
        on_loaded(made, self._tell)

    def _hand_over(self, old: StoredLayer, layer: StoredLayer) -> None:
        """Let a napari layer show another stored layer: 5 ms, where a new one takes 60."""
        shown = self.shown.pop(old)
        self._kept.pop(layer, None)
        if isinstance(layer.stack, PlaneStack):
            with self._sliders.changing():
                shown.layer.data = layer.stack
        shown.view = self._view_of(layer, shown.layer)
        self.shown[layer] = shown
        self._stored[shown.layer] = layer
        if shown.layer.name == shown.name:
            shown.layer.name = layer.name
            shown.name = shown.layer.name

    def _view_of(self, layer: StoredLayer, made: Layer) -> RecordView | LabelsView | None:
        if layer.key.is_records:
            return RecordView(layer, made, self._store)
        return LabelsView(layer, made, self._store) if layer.key.is_labels else None

    def _hidden(self, layers: Sequence[StoredLayer]) -> set[LayerKey]:
        return self.comparison.hidden([layer.key for layer in layers], self.place)

    def _set_visible(self, shown: ShownLayer, *, is_visible: bool) -> None:
        if shown.layer.visible != is_visible:
            with self._sliders.changing():
                shown.layer.visible = is_visible

    def _show_unseen(
        self, layer: StoredLayer, sibling: StoredLayer | None, wanted: Sequence[StoredLayer]
    ) -> None:
        """Show a layer, in a napari layer that nothing else needs where there is one."""
        if layer not in self._kept and sibling is not None and sibling in self.shown:
            self._kept[layer] = settings_of(self.shown[sibling].layer)
        spare = [
            other
            for other, shown in self.shown.items()
            if shown.is_visibility_ours and other not in wanted and topic(other.key) == topic(layer.key)
        ]
        if len(self.shown) < _MOST_LAYERS or not spare:
            self._make(layer)
            return
        settings = self._kept.get(layer)
        self._kept[spare[0]] = settings_of(self.shown[spare[0]].layer)
        self.unseen[spare[0]] = None
        self._hand_over(spare[0], layer)
        if settings is not None:
            take_over(self.shown[layer].layer, settings)

    def _tidy(self) -> None:
        """Hide and recolour layers beside a new one, but none on which the user has set that."""
        hidden = self._hidden(self._store.layers)
        for layer, shown in self.shown.items():
            if layer.key in hidden and shown.is_visibility_ours:
                self._set_visible(shown, is_visible=False)
            if shown.colormap is not None and shown.layer.colormap.name == shown.colormap:
                wanted = channel_colormap(layer, self._store)
                if wanted != shown.colormap:
                    shown.layer.colormap = shown.colormap = wanted

    def _follow_scale(self) -> None:
        with self._sliders.changing():
            has_changed = self._scaling.follow((layer, s.layer) for layer, s in self.shown.items())
        if has_changed:
            self._viewer.reset_view()

    def _notice_visibility(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        layer = self._stored.get(event.source)
        if layer is not None and not self._sliders.is_changing:
            self.shown[layer].is_visibility_ours = False
            self._tell()

    def _forget(self, event: Any) -> None:  # noqa: ANN401 -- napari is untyped
        layer = self._stored.pop(event.value, None)
        if layer is not None:
            del self.shown[layer]
            self._scaling.forget(event.value)
            self._selected_by_us.discard(event.value)
            self._store.remove(layer)
            if not self.shown and not self.unseen:
                self.place.clear()
            self._tell()
