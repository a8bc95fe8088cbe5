"""Gives napari layers the size of their pixels."""

from collections.abc import Iterable

from napari.layers import Layer
from napari.viewer import ViewerModel

from platecast.layers import LayerStore, Scale, StoredLayer


class Scaling:
    """Keeps the scale of layers that of their plates, but not of those on which the user has set another.

    Parameters
    ----------
    viewer
        Whose scale bar is shown while pixels have a size.
    store
        Knows the sizes.
    """

    def __init__(self, viewer: ViewerModel, store: LayerStore) -> None:
        self._viewer = viewer
        self._store = store
        self._set: dict[Layer, Scale] = {}
        self._has_bar = False

    def begin(self, stored: StoredLayer, layer: Layer) -> None:
        """Scale a layer that is about to be inserted."""
        self._apply(layer, self._store.scales()[stored.key])

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that was removed."""
        self._set.pop(layer, None)

    def follow(self, shown: Iterable[tuple[StoredLayer, Layer]]) -> bool:
        """Scale layers as it is known now; say whether one has changed."""
        scales = self._store.scales()
        has_changed = is_physical = False
        for stored, layer in shown:
            before, now = self._set[layer], scales[stored.key]
            if now != before and tuple(layer.scale) == before.steps:
                self._apply(layer, now)
                has_changed = True
            is_physical = is_physical or now.is_physical
        if is_physical != self._has_bar:
            self._viewer.canvas.overlays.scale_bar.visible = self._has_bar = is_physical
        return has_changed

    def _apply(self, layer: Layer, scale: Scale) -> None:
        layer.scale, layer.units = scale.steps, scale.units
        self._set[layer] = scale
