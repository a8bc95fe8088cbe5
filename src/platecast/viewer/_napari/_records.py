"""Layers of points, shapes, tracks and vectors as subclasses of napari's, and which private names they need.

Verified with napari 0.9.2; the dependency is pinned below 0.10.
"""

# ruff: noqa: SLF001 -- that is what this module is for

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Layer, Points, Shapes, Tracks, Vectors
from napari.layers.points.points import _PointsSlicingState
from napari.layers.tracks._track_utils import TrackManager
from napari.layers.tracks.tracks import _TracksSlicingState
from napari.layers.vectors.vectors import _VectorsSlicingState

from platecast.layers import AXIS_NAMES


@contextmanager
def refresh_once(layer: Layer) -> Iterator[None]:
    """Slice and draw a layer once after several changes, each of which would do it otherwise."""
    with layer._block_refresh():
        yield
    layer.refresh()


class _OnSharedAxes(Layer):  # type: ignore[misc]  # napari is untyped
    """A layer that reaches along all of the shared axes, although napari has only the records on screen."""

    lengths: Callable[[], tuple[int, ...]] | None = None
    """Returns the lengths of the shared axes."""
    _last_extent: npt.NDArray[Any] | None = None

    @property
    def _extent_data(self) -> npt.NDArray[Any]:
        extent = np.array(super()._extent_data, float)
        if isinstance(self, Tracks) and extent.shape[1] == _NDIM:
            extent = extent[:, _TIME_IN_PLACE]
        if np.isnan(extent).any():
            # Without records it reaches as far as before: the camera and the sliders stay.
            extent = np.zeros((2, self.ndim)) if self._last_extent is None else self._last_extent.copy()
        else:
            self._last_extent = extent.copy()
        if self.lengths is not None:
            leading = len(AXIS_NAMES)
            shift = np.divide(self.translate, self.scale)[:leading]
            extent[0, :leading] = np.minimum(extent[0, :leading], -shift)
            extent[1, :leading] = np.maximum(extent[1, :leading], np.array(self.lengths()) - 1 - shift)
        return extent


class _PresentRecords:
    """What was sliced, as long as the layer has the records of it; nothing between other data and its slice.

    napari slices once more before it takes other data, and draws in the middle of its changes.
    """

    layer: Layer
    _sliced: npt.NDArray[Any] = np.empty(0, int)

    @property
    def _view_indices(self) -> npt.NDArray[Any]:
        is_present = not len(self._sliced) or self._sliced.max() < len(self.layer.data)
        return self._sliced if is_present else np.empty(0, int)

    @_view_indices.setter
    def _view_indices(self, indices: npt.ArrayLike) -> None:
        self._sliced = np.asarray(indices, int)

    def _of_present(self, values: Any) -> Any:  # noqa: ANN401 -- arrays, or one number for all
        return values if np.ndim(values) == 0 or len(values) == len(self._view_indices) else values[:0]


class _PointsSlice(_PresentRecords, _PointsSlicingState):  # type: ignore[misc]  # napari is untyped
    @property
    def _view_size(self) -> npt.NDArray[Any]:
        size: npt.NDArray[Any] = self._of_present(self._sizes)
        return size

    @_view_size.setter
    def _view_size(self, size: npt.NDArray[Any]) -> None:
        self._sizes = size


class _VectorsSlice(_PresentRecords, _VectorsSlicingState):  # type: ignore[misc]  # napari is untyped
    @property
    def _view_data(self) -> npt.NDArray[Any]:
        vectors: npt.NDArray[Any] = self._of_present(self._vectors)
        return vectors

    @_view_data.setter
    def _view_data(self, vectors: npt.NDArray[Any]) -> None:
        self._vectors = vectors

    @property
    def _view_alphas(self) -> Any:  # noqa: ANN401 -- an array, or one number for all
        return self._of_present(self._alphas)

    @_view_alphas.setter
    def _view_alphas(self, alphas: Any) -> None:  # noqa: ANN401 -- an array, or one number for all
        self._alphas = alphas

    def _update_slice_response(self, response: Any) -> None:  # noqa: ANN401 -- napari's own
        # One of other records may come late from another thread; that of the present ones is on its way.
        if not len(response.indices) or max(response.indices) < len(self.layer.data):
            super()._update_slice_response(response)


class RecordPoints(_OnSharedAxes, Points):  # type: ignore[misc]  # napari is untyped
    """Points of the place on screen."""

    def _get_layer_slicing_state(self, data: Any, cache: bool) -> _PointsSlice:  # noqa: ANN401 -- napari's own
        return _PointsSlice(layer=self, data=data, cache=cache)

    @property
    def _type_string(self) -> str:
        return "points"


class RecordShapes(_OnSharedAxes, Shapes):  # type: ignore[misc]  # napari is untyped
    """Shapes of the place on screen."""

    @property
    def _type_string(self) -> str:
        return "shapes"


class RecordVectors(_OnSharedAxes, Vectors):  # type: ignore[misc]  # napari is untyped
    """Vectors of the place on screen."""

    def _get_layer_slicing_state(self, data: Any, cache: bool) -> _VectorsSlice:  # noqa: ANN401 -- napari's own
        return _VectorsSlice(layer=self, data=data, cache=cache)

    @property
    def _type_string(self) -> str:
        return "vectors"


_NDIM = len(AXIS_NAMES) + 2
_TIME = AXIS_NAMES.index("timepoint")
_TIME_FIRST = [_TIME, *(axis for axis in range(_NDIM) if axis != _TIME)]
_TIME_IN_PLACE = np.argsort(_TIME_FIRST)


class _WideTracks(TrackManager):  # type: ignore[misc]  # napari is untyped
    """Tracks of more than three axes in space, which napari's own refuses for their number alone."""

    def _validate_track_data(self, data: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return data


class _TracksSlice(_TracksSlicingState):  # type: ignore[misc]  # napari is untyped
    def _pad_display_data(self, vertices: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        if vertices is not None and vertices.shape[1] == _NDIM:
            vertices = vertices[:, _TIME_IN_PLACE]
        padded: npt.NDArray[Any] | None = super()._pad_display_data(vertices)
        return padded


class RecordTracks(_OnSharedAxes, Tracks):  # type: ignore[misc]  # napari is untyped
    """Tracks of the place on screen; there is always one vertex at least, for napari takes no empty tracks.

    napari takes the first axis of its tracks for time. `put` takes vertices in the order of all other layers.
    """

    def __init__(self, axis_labels: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 -- napari's own
        super().__init__(np.zeros((1, 5)), **options)
        self._manager = _WideTracks(np.zeros((1, _NDIM + 1)))
        self.put(np.zeros(0), np.zeros((0, _NDIM)), {})
        self.axis_labels = axis_labels

    def put(
        self, ids: npt.NDArray[Any], vertices: npt.NDArray[Any], features: dict[str, npt.NDArray[Any]]
    ) -> None:
        """Show other tracks, coloured as before.

        Parameters
        ----------
        ids
            (N,) whole numbers from 0; napari makes a table as long as the greatest.
        vertices
            (N, 7), ``well, site, channel, t, z, y, x``.
        features
            One value for each vertex.
        """
        color_by = str(getattr(self, "color_by"))  # noqa: B009 -- mypy knows no type of it
        if color_by != "track_id":
            # Between new data and new features napari would drop it, with a warning.
            self.color_by = "track_id"
        if not len(ids):
            ids, vertices = np.zeros(1), np.zeros((1, _NDIM))
            features = {name: column[:0] for name, column in features.items()}
        self.data = np.column_stack((ids, vertices[:, _TIME_FIRST]))
        if all(len(column) == len(ids) for column in features.values()):
            self.features = features
        if color_by in self._manager.features:
            self.color_by = color_by

    @property
    def _type_string(self) -> str:
        return "tracks"

    @property
    def current_time(self) -> float:
        """The time on screen; the latest of all where time is displayed."""
        if _TIME in self._slice_input.displayed:
            time: float = self._manager.max_time
        else:
            time = self._data_slice.point[_TIME]
        return time

    @property
    def use_fade(self) -> bool:
        """Whether tails fade: where time is not displayed."""
        return _TIME in self._slice_input.not_displayed

    def _get_value(self, position: Any) -> int | None:  # noqa: ANN401 -- any sequence
        found = self._manager.get_value(np.asarray(position)[_TIME_FIRST])
        return None if found is None else int(found)

    def _get_layer_slicing_state(self, data: Any, cache: bool) -> _TracksSlice:  # noqa: ANN401 -- napari's own
        return _TracksSlice(layer=self, data=data, cache=cache)
