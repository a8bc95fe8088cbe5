"""Polygons to a plane of labels."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.errors import InvalidRecordsError
from platecast.records._polygons import SHAPE_TYPES
from platecast.records._records import Records, row_labels

Array = npt.NDArray[Any]

_MOST_PIXELS = 1 << 28
_CORNERS_OF_ELLIPSE = 64
_CROSSINGS_AT_ONCE = 1 << 20
"""Edges times rows that are worked on at once: bounds the memory, about 100 bytes each."""
_PIXELS_AT_ONCE = 1 << 22
_MOST_LABEL = np.iinfo(np.uint32).max
_NO_AREA = [SHAPE_TYPES.index(name) for name in ("line", "path")]
_ELLIPSE = SHAPE_TYPES.index("ellipse")


def check_paintable(records: Records) -> None:
    """Check that shapes have an area, and labels that a plane can hold.

    Raises
    ------
    InvalidRecordsError
        One is a line, or a label is not between 1 and 2³² - 1.
    """
    types = records.geometry["types"]
    lines = np.flatnonzero(np.isin(types, _NO_AREA))
    if lines.size:
        raise InvalidRecordsError(
            f"shape {lines[0]} is a {SHAPE_TYPES[int(types[lines[0]])]}, which cannot be painted into labels:"
            " use polygons='shapes'"
        )
    labels = row_labels(records)
    wrong = np.flatnonzero((labels < 1) | (labels > _MOST_LABEL)) if labels is not None else np.empty(0, int)
    if labels is not None and wrong.size:
        raise InvalidRecordsError(
            f"shape {wrong[0]} has the label {labels[wrong[0]]}: labels are from 1 to {_MOST_LABEL}"
        )


def paint_polygons(records: Records, shape: tuple[int, int] | None = None) -> Array:
    """Return shapes as a plane of labels; a pixel belongs to a shape where its centre lies inside.

    Inside is what an odd number of the shape's rings encloses. A centre on an upper or left edge counts, one
    on a lower or right edge does not, so neighbours that share an edge share no pixel. Where shapes overlap
    the later one wins.

    Parameters
    ----------
    records
        Shapes. Their labels are those of the column ``label`` or ``index``, else 1, 2, 3, …
    shape
        Y and X of the plane; parts outside are cut off. Default: that of the image they were drawn on, or as
        large as they reach.

    Returns
    -------
    numpy.ndarray
        ``(Y, X)``, uint16, or uint32 where a label needs it.

    Raises
    ------
    InvalidRecordsError
        As for `check_paintable`, or the plane would be too large.
    """
    check_paintable(records)
    height, width = shape or records.canvas or _reach(records)
    if height * width > _MOST_PIXELS:
        raise InvalidRecordsError(
            f"polygons would need a plane of {height} x {width} pixels: say image_shape=(Y, X) of their image"
        )
    labels = row_labels(records)
    if labels is None:
        labels = np.arange(1, records.count + 1)
    is_small = not len(labels) or labels.max() <= np.iinfo(np.uint16).max
    plane = np.zeros((height, width), np.uint16 if is_small else np.uint32)
    flat = plane.reshape(-1)
    for owners, starts, lengths in _spans(records, height, width):
        for part in _chunks(lengths, _PIXELS_AT_ONCE):
            # Of an index that occurs twice NumPy keeps the last value, and spans are in the order of shapes.
            flat[_ranges(starts[part], lengths[part])] = np.repeat(labels[owners[part]], lengths[part])
    return plane


def _reach(records: Records) -> tuple[int, int]:
    """Return the size of the smallest plane that holds every vertex."""
    vertices = records.geometry["vertices"]
    if not len(vertices):
        return 1, 1
    y, x = (max(1, int(np.ceil(float(furthest))) + 1) for furthest in vertices.max(axis=0))
    return y, x


def _spans(records: Records, height: int, width: int) -> Iterator[tuple[Array, Array, Array]]:
    """Yield owner, flat start and length of horizontal runs of pixels, in the order of the shapes."""
    owners, tops, bottoms, x0, slopes = _edges(records)
    # Rows whose centre an edge crosses; half-open, so that a vertex on a row counts once.
    first = np.clip(np.ceil(tops), 0, height).astype(np.int64)
    last = np.clip(np.ceil(bottoms), 0, height).astype(np.int64)
    for part in _chunks(last - first, _CROSSINGS_AT_ONCE, owners):
        counts = (last - first)[part]
        rows = _ranges(first[part], counts)
        x = np.repeat(x0[part], counts) + (rows - np.repeat(tops[part], counts)) * np.repeat(
            slopes[part], counts
        )
        line = np.repeat(owners[part], counts) * height + rows
        column = np.clip(np.ceil(x), 0, width).astype(np.int64)
        # One integer says line and column: sorting it takes a fifth of sorting by two keys.
        crossings = np.sort(line * (width + 1) + column)
        # A closed ring crosses a row an even number of times: every second gap is inside.
        line, left = np.divmod(crossings[::2], width + 1)
        right = crossings[1::2] - line * (width + 1)
        is_any = right > left
        owner, row = np.divmod(line[is_any], height)
        yield owner, row * width + left[is_any], (right - left)[is_any]


def _edges(records: Records) -> tuple[Array, Array, Array, Array, Array]:
    """Return owner, top and bottom y, x at the top and dx/dy of every edge that is not horizontal."""
    vertices, rings, owners = _outlines(records)
    following = np.arange(1, len(vertices) + 1)
    following[rings[1:] - 1] = rings[:-1]
    ends = vertices[following] if len(vertices) else vertices
    is_down = vertices[:, 0] <= ends[:, 0]
    upper = np.where(is_down[:, None], vertices, ends)
    lower = np.where(is_down[:, None], ends, vertices)
    owner = np.repeat(owners, np.diff(rings))
    height = lower[:, 0] - upper[:, 0]
    keeps = height > 0
    slopes = (lower[:, 1] - upper[:, 1])[keeps] / height[keeps]
    return owner[keeps], upper[keeps, 0], lower[keeps, 0], upper[keeps, 1], slopes


def _outlines(records: Records) -> tuple[Array, Array, Array]:
    """Return vertices, the offsets of the rings in them, and the shape that each ring belongs to."""
    geometry = records.geometry
    vertices = geometry["vertices"].astype(np.float64)
    rings = geometry["rings"].astype(np.int64)
    owners = np.repeat(np.arange(records.count), np.diff(geometry["shapes"]))
    ellipses = geometry["types"][owners] == _ELLIPSE
    if not ellipses.any():
        return vertices, rings, owners
    outlines = [
        _ellipse(vertices[start:end]) if is_ellipse else vertices[start:end]
        for start, end, is_ellipse in zip(rings[:-1], rings[1:], ellipses, strict=True)
    ]
    offsets = np.concatenate(([0], np.cumsum([len(outline) for outline in outlines])))
    return np.concatenate(outlines), offsets, owners


def _ellipse(corners: Array) -> Array:
    """Return the outline of the ellipse in a box of four corners."""
    centre = corners.mean(axis=0)
    along, across = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angles = np.linspace(0, 2 * np.pi, _CORNERS_OF_ELLIPSE, endpoint=False)[:, None]
    outline: Array = centre + np.cos(angles) * along + np.sin(angles) * across
    return outline


def _ranges(starts: Array, lengths: Array) -> Array:
    """Return ``start, start + 1, …`` of each pair, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    ranges: Array = np.arange(total) + np.repeat(starts - ends + lengths, lengths)
    return ranges


def _chunks(weights: Array, most: int, owners: Array | None = None) -> Iterator[slice]:
    """Yield slices of about equal weight; what belongs to one owner is not torn apart."""
    if not len(weights):
        return
    numbers = np.cumsum(weights) // most
    if owners is not None:
        # Owners are in order: each goes with its first part.
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        numbers = numbers[np.repeat(firsts, np.diff(firsts, append=len(owners)))]
    bounds = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(weights)]
    for start, end in pairwise(bounds):
        yield slice(start, end)
