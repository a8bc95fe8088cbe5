"""The features of the labels on screen, and their colours where a sender wants them by a feature."""

from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap, ensure_colormap

from platecast.layers import Features, Index, LayerStore, StoredLayer
from platecast.viewer._napari._sliders import Sliders

_COLORMAP = "viridis"
_UNKNOWN = (0.5, 0.5, 0.5, 1.0)
"""Of labels for which the feature is not known."""


class LabelsView:
    """Keeps the features of a labels layer those of the plane on screen. For the window's thread.

    Parameters
    ----------
    stored
        The labels.
    layer
        The napari layer that shows them.
    store
        Knows the features.
    """

    def __init__(self, stored: StoredLayer, layer: Layer, store: LayerStore) -> None:
        self.stored = stored
        self._layer = layer
        self._store = store
        self._index: Index | None = None
        self._has_features = False
        self._colormap: object = layer.colormap
        self._range: tuple[float, float] | None = None

    def forget(self) -> None:
        """Look again when the layer is followed next."""
        self._index = None

    def follow(self, sliders: Sliders) -> None:
        """Take the features of the plane where the sliders stand."""
        index = tuple(sliders.values[name] for name in self.stored.key.stacked if name in sliders.values)
        if index == self._index or self.stored.stack.plane(index) is None:
            return
        self._index = index
        features = self._store.features(self.stored, index)
        if not features and not self._has_features:
            return
        self._has_features = True
        # By the column "index" napari finds the row of a label.
        self._layer.features = {"index": features.get("label", np.empty(0, int))} | features
        self._color(features)

    def _color(self, features: Features) -> None:
        name = self.stored.display.color_by
        column = None if name is None else features.get(name)
        # Another colormap than ours is the user's choice.
        if column is None or self._layer.colormap is not self._colormap:
            return
        self._layer.colormap = self._by_value(features["label"], column)
        self._colormap = self._layer.colormap

    def _by_value(self, labels: npt.NDArray[Any], column: npt.NDArray[Any]) -> DirectLabelColormap:
        """Return the colours of labels: by number along a range that only widens, by text one for each."""
        if column.dtype.kind == "O":
            _, values = np.unique(column.astype(str), return_inverse=True)
            numbers = values.astype(float)
        else:
            numbers = column.astype(float)
        known = np.isfinite(numbers)
        if known.any():
            low, high = float(numbers[known].min()), float(numbers[known].max())
            before = self._range or (low, high)
            self._range = min(low, before[0]), max(high, before[1])
        low, high = self._range or (0.0, 1.0)
        shares = np.where(known, (numbers - low) / ((high - low) or 1.0), 0.0)
        colors = ensure_colormap(_COLORMAP).map(shares)
        colors[~known] = _UNKNOWN
        by_label: dict[int | None, Any] = dict(zip(labels.tolist(), colors, strict=True))
        return DirectLabelColormap(color_dict=by_label | {None: _UNKNOWN, 0: "transparent"})
