"""Where a plane belongs. Pure: from components and a choice of display to a layer and an index."""

from platecast.layers._axes import Axes, sort_values
from platecast.layers._calibration import Calibration, Scale, common_scale
from platecast.layers._changes import Placement, Regrouping, Withdrawal
from platecast.layers._contrast import contrast_range, robust_contrast
from platecast.layers._held import HeldPlane, Pixels, ScratchPlane, Whereabouts
from platecast.layers._holdings import Holdings, Stock
from platecast.layers._key import AXIS_NAMES, Index, LayerKey, Value, components_of, place
from platecast.layers._losses import Loss, LossState
from platecast.layers._names import layer_names
from platecast.layers._record_stack import RecordStack
from platecast.layers._shelf import CACHE_BYTES, Scratch, Shelf
from platecast.layers._stack import PlaneStack
from platecast.layers._statistics import mean_intensity, sample_values, small_picture, value_range
from platecast.layers._store import LayerStore, positions_of
from platecast.layers._stored import StoredLayer
from platecast.layers._tables import Features

__all__ = [
    "AXIS_NAMES",
    "CACHE_BYTES",
    "Axes",
    "Calibration",
    "Features",
    "HeldPlane",
    "Holdings",
    "Index",
    "LayerKey",
    "LayerStore",
    "Loss",
    "LossState",
    "Pixels",
    "Placement",
    "PlaneStack",
    "RecordStack",
    "Regrouping",
    "Scale",
    "Scratch",
    "ScratchPlane",
    "Shelf",
    "Stock",
    "StoredLayer",
    "Value",
    "Whereabouts",
    "Withdrawal",
    "common_scale",
    "components_of",
    "contrast_range",
    "layer_names",
    "mean_intensity",
    "place",
    "positions_of",
    "robust_contrast",
    "sample_values",
    "small_picture",
    "sort_values",
    "value_range",
]
