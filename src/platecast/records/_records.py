"""The value that all kinds of records are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.components import Kind
from platecast.errors import InvalidRecordsError

Array = npt.NDArray[Any]

LABEL_NAMES = ("label", "index")
"""Columns that say to which label a row belongs, the first that is there."""

_GEOMETRY: dict[Kind, dict[str, str]] = {
    Kind.POINTS: {"coordinates": "<f4"},
    Kind.VECTORS: {"coordinates": "<f4"},
    Kind.TRACKS: {"ids": "<i4", "coordinates": "<f4"},
    Kind.SHAPES: {"vertices": "<f4", "rings": "<i4", "shapes": "<i4", "types": "|u1"},
    Kind.TABLE: {},
}
"""The arrays that each kind consists of, and their dtypes."""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Records:
    """Points, shapes, tracks, vectors or the rows of a table, at one place of a plate.

    Coordinates are in pixels, in the order of the axes; pixel centres lie on whole numbers.

    Parameters
    ----------
    kind
        What they are.
    geometry
        Arrays by name. *points*: ``coordinates`` (N, 2 | 3) as ``[z,] y, x``. *vectors*: ``coordinates``
        (N, 2, 2 | 3), start and direction. *tracks*: ``ids`` (N,) and ``coordinates`` (N, 3 | 4) as
        ``t, [z,] y, x``. *shapes*: ``vertices`` (V, 2); ring r is ``vertices[rings[r]:rings[r + 1]]``, shape
        s consists of the rings ``shapes[s]`` to ``shapes[s + 1]``, and ``types`` holds one byte for each.
        *table*: none.
    features
        Columns by name, one value for each record: numbers, or text as an array of `str` objects.
    canvas
        Y and X of the image that shapes were drawn on, if it is known.

    Raises
    ------
    InvalidRecordsError
        The arrays contradict each other, as for `check_records`.
    """

    kind: Kind
    geometry: Mapping[str, Array] = field(default_factory=dict)
    features: Mapping[str, Array] = field(default_factory=dict)
    canvas: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_records(self)

    @property
    def count(self) -> int:
        """Number of records."""
        if self.kind is Kind.SHAPES:
            return len(self.geometry["types"])
        if self.geometry:
            return len(self.geometry["coordinates"])
        return len(next(iter(self.features.values()), ()))

    @property
    def spatial(self) -> int:
        """Number of axes in space: 2, or 3 where records have a z of their own; 0 of a table."""
        if self.kind is Kind.TABLE:
            return 0
        if self.kind is Kind.SHAPES:
            return 2
        return int(self.geometry["coordinates"].shape[-1]) - (self.kind is Kind.TRACKS)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes."""
        return sum(array.nbytes for array in (*self.geometry.values(), *self.features.values()))


def check_records(records: Records) -> None:
    """Check that the arrays of records are those of their kind and fit each other.

    Raises
    ------
    InvalidRecordsError
        The first thing that is wrong, with its value.
    """
    wanted = _GEOMETRY.get(records.kind)
    if wanted is None:
        raise InvalidRecordsError(f"{records.kind} is a kind of pixels, not of records")
    given = {name: array.dtype.str for name, array in records.geometry.items()}
    if given != wanted:
        raise InvalidRecordsError(f"{records.kind} consist of the arrays {wanted}, not of {given}")
    _CHECKS[records.kind](records.geometry)
    for name, column in records.features.items():
        if column.ndim != 1 or len(column) != records.count:
            raise InvalidRecordsError(
                f"column {name!r} has shape {column.shape}, and there are {records.count} {_noun(records)}"
            )
    if records.canvas is not None and min(records.canvas) < 1:
        raise InvalidRecordsError(f"shape {records.canvas} of the image is not positive")


def row_labels(records: Records) -> npt.NDArray[np.int64] | None:
    """Return the label that each row belongs to; `None` where no column says so."""
    for name in LABEL_NAMES:
        column = records.features.get(name)
        if column is not None and column.dtype.kind in "iu":
            return column.astype(np.int64)
        if column is not None and column.dtype.kind == "f" and (column == np.floor(column)).all():
            return column.astype(np.int64)
    return None


def _noun(records: Records) -> str:
    return "rows" if records.kind is Kind.TABLE else str(records.kind)


def _check_points(geometry: Mapping[str, Array]) -> None:
    _check_coordinates(geometry["coordinates"], Kind.POINTS, "(N, 2) or (N, 3)", 2, (2, 3))


def _check_vectors(geometry: Mapping[str, Array]) -> None:
    coordinates = geometry["coordinates"]
    _check_coordinates(coordinates, Kind.VECTORS, "(N, 2, 2) or (N, 2, 3)", 3, (2, 3))
    if coordinates.shape[1] != 2:
        raise InvalidRecordsError(f"vectors have shape (N, 2, 2) or (N, 2, 3), not {coordinates.shape}")


def _check_tracks(geometry: Mapping[str, Array]) -> None:
    ids, coordinates = geometry["ids"], geometry["coordinates"]
    _check_coordinates(coordinates, Kind.TRACKS, "(N, 3) or (N, 4) beside their ids", 2, (3, 4))
    if ids.shape != (len(coordinates),):
        raise InvalidRecordsError(f"tracks: {ids.shape} ids for {len(coordinates)} vertices")
    if len(ids) and int(ids.min()) < 0:
        raise InvalidRecordsError(f"tracks: the id {ids.min()} is negative")
    if len(ids) and float(coordinates[:, 0].min()) < 0:
        raise InvalidRecordsError(f"tracks: the time {coordinates[:, 0].min()} is negative")


def _check_coordinates(
    coordinates: Array, kind: Kind, expected: str, ndim: int, lasts: tuple[int, ...]
) -> None:
    if coordinates.ndim != ndim or coordinates.shape[-1] not in lasts:
        raise InvalidRecordsError(f"{kind} have shape {expected}, not {coordinates.shape}")
    finite = np.isfinite(coordinates)
    if not finite.all():
        row = int(np.flatnonzero(~finite.reshape(len(coordinates), -1).all(axis=1))[0])
        raise InvalidRecordsError(
            f"{kind}: row {row} is {coordinates[row].tolist()}: coordinates must be finite numbers"
        )


def _check_shapes(geometry: Mapping[str, Array]) -> None:
    vertices, rings = geometry["vertices"], geometry["rings"]
    shapes, types = geometry["shapes"], geometry["types"]
    _check_coordinates(vertices, Kind.SHAPES, "(V, 2) of all their vertices", 2, (2,))
    _check_offsets("rings", rings, len(vertices), 1)
    _check_offsets("shapes", shapes, len(rings) - 1, 1)
    if types.shape != (len(shapes) - 1,) or (types.size and types.max() > MOST_SHAPE_TYPE):
        raise InvalidRecordsError(
            f"shapes: types {types.shape} for {len(shapes) - 1} shapes, or unknown ones"
        )


def _check_offsets(name: str, offsets: Array, end: int, least: int) -> None:
    """Offsets begin at 0, end at the end, and leave nothing empty."""
    is_ragged = offsets.ndim == 1 and len(offsets) >= 1 and offsets[0] == 0 and offsets[-1] == end
    if not is_ragged or (np.diff(offsets.astype(np.int64)) < least).any():
        raise InvalidRecordsError(f"shapes: the offsets of {name} do not divide {end} parts")


def _check_nothing(geometry: Mapping[str, Array]) -> None:
    """Find nothing wrong: a table has no geometry."""


MOST_SHAPE_TYPE = 4

_CHECKS = {
    Kind.POINTS: _check_points,
    Kind.VECTORS: _check_vectors,
    Kind.TRACKS: _check_tracks,
    Kind.SHAPES: _check_shapes,
    Kind.TABLE: _check_nothing,
}
