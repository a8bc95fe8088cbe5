"""Shapes out of lists of vertices, of rings, or of objects with ``__geo_interface__``."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.arrays import to_numpy
from platecast.errors import InvalidRecordsError

Array = npt.NDArray[Any]
Rings = list[Array]

SHAPE_TYPES = ("polygon", "rectangle", "ellipse", "line", "path")
"""What a shape may be; its place is the number that travels. Rectangles and ellipses have four corners."""

_LEAST = {"polygon": 3, "rectangle": 4, "ellipse": 4, "line": 2, "path": 2}
_MOST = {"rectangle": 4, "ellipse": 4, "line": 2}


def shapes_of(data: object, shape_type: str | Sequence[str] = "polygon") -> dict[str, Array]:
    """Return the geometry of shapes.

    Parameters
    ----------
    data
        A sequence of shapes. Each is (N, 2) vertices ``y, x``; or a sequence of such rings, of which a point
        lies inside where an odd number encloses it (the second is a hole); or a polygon that has
        ``__geo_interface__`` (shapely; ``x, y`` there).
    shape_type
        One of `SHAPE_TYPES` for all, or one for each.

    Raises
    ------
    InvalidRecordsError
        A shape has too few or too many vertices, or other columns; the message says which one.
    """
    shapes = [_rings(number, shape) for number, shape in enumerate(_each(data))]
    types = _types(shape_type, len(shapes))
    rings = list(chain.from_iterable(shapes))
    lengths = np.array([len(ring) for ring in rings], np.int64)
    counts = np.array([len(shape) for shape in shapes], np.int64)
    _check_lengths(lengths, counts, types)
    vertices = np.concatenate(rings) if rings else np.empty((0, 2), np.float32)
    return {
        "vertices": np.ascontiguousarray(vertices, "<f4"),
        "rings": _offsets(lengths),
        "shapes": _offsets(counts),
        "types": types,
    }


def _each(data: object) -> Sequence[object]:
    if hasattr(data, "__geo_interface__") and not hasattr(data, "__len__"):
        return [data]
    if isinstance(data, np.ndarray) and data.ndim == 2 and data.size:
        raise InvalidRecordsError(
            f"shapes are a sequence of polygons, not one array of shape {data.shape}: put it into a list"
        )
    if isinstance(data, str) or not hasattr(data, "__iter__"):
        raise InvalidRecordsError(f"shapes are a sequence of polygons, not {type(data).__name__}")
    return list(data)


def _rings(number: int, shape: Any) -> Rings:  # noqa: ANN401 -- arrays, nested lists or geometries
    if isinstance(shape, np.ndarray) and shape.ndim == 2:
        return [_ring(number, shape)]
    geometry = getattr(shape, "__geo_interface__", None)
    if geometry is not None:
        kind = geometry.get("type")
        if kind not in ("Polygon", "MultiPolygon"):
            raise InvalidRecordsError(f"shape {number} is a {kind}: only polygons can be sent")
        polygons = [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]
        return [_ring(number, ring)[:, ::-1] for polygon in polygons for ring in polygon]
    if not hasattr(shape, "__len__") or len(shape) == 0:
        raise InvalidRecordsError(f"shape {number} is empty: a shape has vertices (N, 2)")
    if np.ndim(shape[0]) == 1:
        return [_ring(number, shape)]
    return [_ring(number, ring) for ring in shape]


def _ring(number: int, ring: object) -> Array:
    try:
        vertices = to_numpy(ring)
    except ValueError as error:
        raise InvalidRecordsError(f"shape {number}: its vertices differ in length ({error})") from error
    if vertices.ndim != 2 or vertices.shape[1] != 2 or vertices.dtype.kind not in "iuf":
        raise InvalidRecordsError(
            f"shape {number} has vertices {vertices.shape} {vertices.dtype}: expected (N, 2) numbers, y and x"
        )
    return vertices


def _types(shape_type: str | Sequence[str], count: int) -> Array:
    names = [shape_type] * count if isinstance(shape_type, str) else list(shape_type)
    if isinstance(shape_type, str) and shape_type not in SHAPE_TYPES:
        names = [shape_type]
    unknown = next((name for name in names if name not in SHAPE_TYPES), None)
    if unknown is not None:
        raise InvalidRecordsError(f"shape_type {unknown!r} is not one of {', '.join(SHAPE_TYPES)}")
    if len(names) != count:
        raise InvalidRecordsError(f"{len(names)} shape types for {count} shapes")
    numbers = {name: number for number, name in enumerate(SHAPE_TYPES)}
    return np.array([numbers[name] for name in names], np.uint8)


def _check_lengths(lengths: Array, counts: Array, types: Array) -> None:
    owners = np.repeat(np.arange(len(counts)), counts)
    for number, name in enumerate(SHAPE_TYPES):
        of_type = types[owners] == number
        too_few = of_type & (lengths < _LEAST[name])
        too_many = of_type & (lengths > _MOST.get(name, np.inf))
        wrong = np.flatnonzero(too_few | too_many)
        if wrong.size:
            ring = int(wrong[0])
            least, most = _LEAST[name], _MOST.get(name)
            needs = f"exactly {most}" if most == least else f"at least {least}"
            raise InvalidRecordsError(
                f"shape {owners[ring]} is a {name} of {lengths[ring]} vertices: it needs {needs}"
            )
        several = np.flatnonzero((types == number) & (counts > 1))
        if name != "polygon" and several.size:
            raise InvalidRecordsError(
                f"shape {several[0]} is a {name} of {counts[several[0]]} rings: only polygons have holes"
            )


def _offsets(lengths: Array) -> Array:
    return np.concatenate(([0], np.cumsum(lengths))).astype("<i4")
