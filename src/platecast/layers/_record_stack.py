"""Records along the shared axes: what a layer of points, shapes, tracks or vectors holds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from platecast.components import Kind
from platecast.layers._axes import Axes
from platecast.layers._key import AXIS_NAMES, Index
from platecast.layers._sparse import SparseStack
from platecast.records import Records


class RecordStack(SparseStack[Records]):
    """Records by their index. napari is only ever given those that can be seen.

    Parameters
    ----------
    axes
        The shared axes, which others may extend.
    stacked
        The axes along which they vary, in the order of `AXIS_NAMES`.
    spatial
        2, or 3 where records have a z of their own.
    """

    dtype = np.dtype(np.float32)
    """Of all coordinates."""

    def __init__(self, axes: Axes, stacked: Sequence[str], spatial: int) -> None:
        super().__init__(axes, stacked)
        self.spatial = spatial

    def __repr__(self) -> str:
        return f"<RecordStack of {len(self.indices)} places over {self._stacked}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """Present lengths of the leading axes, as of other layers."""
        return self._axes.lengths

    def put(self, index: Index, records: Records) -> None:
        """Take in records; those that they replace are let go."""
        self._planes[index] = records

    def coordinates(self, index: Index) -> npt.NDArray[np.float32]:
        """Return the coordinates of the records at an index along all shared axes.

        ``(..., well, site, channel, t, z, y, x)``: positions along the axes on which the layer varies, and 0
        on the others. A z or a t of the records' own becomes a position, too, where that axis has values.
        """
        records = self._planes[index]
        own = records.geometry["vertices" if records.kind is Kind.SHAPES else "coordinates"]
        placed = np.zeros((*own.shape[:-1], len(AXIS_NAMES) + 2), np.float32)
        is_direction = records.kind is Kind.VECTORS
        for name, position in self._axes.position(dict(zip(self._stacked, index, strict=True))).items():
            placed[..., AXIS_NAMES.index(name)] = position
        names = ["timepoint"] if records.kind is Kind.TRACKS else []
        names += ["z_index"] if self.spatial == 3 else []
        for place, name in enumerate(names):
            placed[..., AXIS_NAMES.index(name)] = self._positions(name, own[..., place])
        placed[..., -2:] = own[..., -2:]
        if is_direction:
            placed[:, 1, :-2] = 0
            if self.spatial == 3:
                placed[:, 1, -3] = own[:, 1, 0]
        return placed

    def _positions(self, name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return where values lie along an axis; between its values, and beyond them, in proportion."""
        known = self._axes.values(name)
        if not known:
            return values
        marks = np.array([float(value) for value in known])
        if len(marks) == 1:
            return np.asarray(values - marks[0], np.float32)
        place = np.clip(np.searchsorted(marks, values, "right") - 1, 0, len(marks) - 2)
        span = marks[place + 1] - marks[place]
        return np.asarray(place + (values - marks[place]) / span, np.float32)
