"""Where a plane belongs. Pure: from components and a choice of display to a layer and an index."""

from platecast.layers._axes import Axes
from platecast.layers._contrast import contrast_range, robust_contrast
from platecast.layers._key import AXIS_NAMES, Index, LayerKey, Value, place
from platecast.layers._names import layer_names
from platecast.layers._stack import PlaneStack
from platecast.layers._store import LayerStore, Placement, StoredLayer, positions_of

__all__ = [
    "AXIS_NAMES",
    "Axes",
    "Index",
    "LayerKey",
    "LayerStore",
    "Placement",
    "PlaneStack",
    "StoredLayer",
    "Value",
    "contrast_range",
    "layer_names",
    "place",
    "positions_of",
    "robust_contrast",
]
