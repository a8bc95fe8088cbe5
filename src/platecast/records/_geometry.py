"""Points, vectors and tracks out of arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.arrays import to_numpy
from platecast.errors import InvalidRecordsError

Array = npt.NDArray[Any]
_MOST_ID = np.iinfo(np.int32).max


def points_of(data: object) -> dict[str, Array]:
    """Return the geometry of points, from (N, 2 | 3) coordinates ``[z,] y, x``."""
    return {"coordinates": _coordinates("points", data, (0, 2))}


def vectors_of(data: object) -> dict[str, Array]:
    """Return the geometry of vectors, from (N, 2, 2 | 3): start and direction, each ``[z,] y, x``."""
    return {"coordinates": _coordinates("vectors", data, (0, 2, 2))}


def tracks_of(data: object) -> dict[str, Array]:
    """Return the geometry of tracks, from (N, 4 | 5) rows of ``id, t, [z,] y, x``.

    Raises
    ------
    InvalidRecordsError
        An id is no whole number from 0, or there are other columns.
    """
    rows = _numbers("tracks", data, (0, 4))
    if rows.ndim != 2 or rows.shape[1] not in (4, 5):
        raise InvalidRecordsError(f"tracks have shape (N, 4) or (N, 5): id, t, [z,] y, x; not {rows.shape}")
    ids = rows[:, 0]
    wrong = np.flatnonzero(~((ids == np.floor(ids)) & (ids >= 0) & (ids <= _MOST_ID)))
    if wrong.size:
        raise InvalidRecordsError(
            f"tracks: row {wrong[0]} has the id {ids[wrong[0]]}: ids are whole numbers from 0 to {_MOST_ID}"
        )
    return {
        "ids": np.ascontiguousarray(ids, "<i4"),
        "coordinates": np.ascontiguousarray(rows[:, 1:], "<f4"),
    }


def _coordinates(kind: str, data: object, empty: tuple[int, ...]) -> Array:
    return np.ascontiguousarray(_numbers(kind, data, empty), "<f4")


def _numbers(kind: str, data: object, empty: tuple[int, ...]) -> Array:
    """Return any array of real numbers; an empty list stands for none."""
    try:
        rows = to_numpy(data)
    except ValueError as error:
        raise InvalidRecordsError(f"{kind}: rows differ in length ({error})") from error
    if rows.size == 0 and rows.ndim == 1:
        return np.empty(empty, np.float32)
    if rows.dtype.kind not in "iuf":
        raise InvalidRecordsError(f"{kind} are numbers, not {rows.dtype}")
    return rows
