"""Layers of planes as subclasses of napari's, and which private names they need.

Verified with napari 0.9.2; the dependency is pinned below 0.10.
"""

# ruff: noqa: SLF001 -- that is what this module is for

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components.dims import Dims
from napari.components.histogram import HistogramModel
from napari.layers import Image, Labels, Layer

from platecast.layers import AXIS_NAMES, HeldPlane, PlaneStack, sample_values, value_range

_HATCH_LIGHT, _HATCH_DARK = (96, 96, 104, 255), (44, 44, 50, 255)


def planes_on_screen(layer: Layer) -> list[npt.NDArray[Any] | HeldPlane]:
    """Return the planes of a layer of ours that its present slice is made of; none where all are missing.

    A layer says nowhere else what it has sliced, and the sliders may have moved on already.
    """
    stack, sliced = layer.data, layer._data_slice
    if not isinstance(stack, PlaneStack):
        raise TypeError(f"layer {layer.name!r} shows no planes but {type(stack).__name__}")
    displayed = layer._slice_input.displayed
    positions: list[range] = []
    for axis in range(len(AXIS_NAMES)):
        length = stack.shape[axis]
        if axis in displayed or np.isnan(sliced.point[axis]):
            positions.append(range(length))
            continue
        first = round(sliced.point[axis] - sliced.margin_left[axis])
        last = round(sliced.point[axis] + sliced.margin_right[axis])
        positions.append(range(max(first, 0), min(last + 1, length)))
    return stack.planes_at(positions)


class PlaneHistogram(HistogramModel):  # type: ignore[misc]  # napari is untyped
    """The histogram of the planes that are there.

    napari's own takes the values of the slice, in which a missing plane reads as zeros; for the whole of
    the data it would gather every plane.
    """

    def _get_displayed_data(self) -> npt.NDArray[Any] | None:
        values = sample_values(planes_on_screen(self._layer))
        return values if values.size else None

    def _get_full_data(self) -> npt.NDArray[Any] | None:
        values = sample_values(self._layer.data.planes())
        return values if values.size else None


class _OfPlanes(Layer):  # type: ignore[misc]  # napari is untyped
    """What layers of images and of labels have in common."""

    put_off: Callable[[Layer], None] | None = None
    """Told that the thumbnail is out of date, and calls `draw_thumbnail` later; without it that is now."""

    def _slice_dims(self, dims: Dims, force: bool = False) -> None:
        """Slice for another place; the extent, which napari would find anew in all layers, stays as it is."""
        if force:
            super()._slice_dims(dims, force)
        elif self._slicing_state.set_slice_input_from_dims(dims, force):
            self._refresh_sync(data_displayed=True, thumbnail=True)

    def draw_thumbnail(self) -> None:
        """Make the thumbnail of what is on screen; a hatch where nothing is."""
        if planes_on_screen(self):
            super()._update_thumbnail()
        else:
            self.thumbnail = _hatched(self._thumbnail_shape)

    def _update_thumbnail(self) -> None:
        if self.put_off is None:
            self.draw_thumbnail()
        else:
            self.put_off(self)


class PlaneImage(_OfPlanes, Image):  # type: ignore[misc]  # napari is untyped
    """An image whose statistics and thumbnail ignore planes that are missing."""

    @property
    def _type_string(self) -> str:
        # By this napari finds icons and writers.
        return "image"

    @property
    def histogram(self) -> PlaneHistogram:
        """The histogram of the planes that are there; napari makes one lazily, and so do we."""
        if not hasattr(self, "_histogram"):
            self._histogram = PlaneHistogram(self)
        return self._histogram

    def _calc_data_range(self, mode: str = "data") -> tuple[float, float]:
        """Return the range of what is there; where nothing is, the limits stay as they are."""
        planes = planes_on_screen(self) if mode == "slice" else list(self.data.planes())
        found = value_range(planes)
        if found is None:
            lower, upper = self.contrast_limits
            return float(lower), float(upper)
        return found if found[0] < found[1] else (found[0], found[0] + 1.0)


class PlaneLabels(_OfPlanes, Labels):  # type: ignore[misc]  # napari is untyped
    """Labels whose thumbnail says where a plane is missing."""

    @property
    def _type_string(self) -> str:
        return "labels"


def _hatched(shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    rows, columns = np.indices(shape[:2])
    light = ((rows + columns) // 4 % 2 == 0)[..., np.newaxis]
    picture: np.ndarray[Any, np.dtype[np.uint8]] = np.where(light, _HATCH_LIGHT, _HATCH_DARK).astype(np.uint8)
    return picture
