"""Records of any kind out of what a user passes."""

from collections.abc import Sequence
from typing import Any

from platecast.components import Kind
from platecast.errors import InvalidRecordsError
from platecast.records._columns import columns_of
from platecast.records._geometry import points_of, tracks_of, vectors_of
from platecast.records._polygons import shapes_of
from platecast.records._records import LABEL_NAMES, Records, row_labels

_GEOMETRIES = {Kind.POINTS: points_of, Kind.TRACKS: tracks_of, Kind.VECTORS: vectors_of}


def make_records(
    data: object,
    kind: Kind,
    *,
    features: object = None,
    shape_type: str | Sequence[str] = "polygon",
    image_shape: Sequence[int] | None = None,
) -> Records:
    """Return records, checked; nothing of what is passed is kept.

    Parameters
    ----------
    data
        As `points_of`, `tracks_of`, `vectors_of`, `shapes_of` or, for a table, `columns_of` take it.
    kind
        What it is.
    features
        Columns, as `columns_of` takes them, with one row for each record.
    shape_type
        Of shapes: one of `SHAPE_TYPES`, or one for each.
    image_shape
        Of shapes: Y and X of the image that they were drawn on.

    Raises
    ------
    InvalidRecordsError
        Something contradicts itself; the message says what.
    """
    columns = {} if features is None else columns_of(features)
    if kind is Kind.TABLE:
        if columns:
            raise InvalidRecordsError("a table is its columns: put the features among them")
        columns = columns_of(data)
        if not columns:
            raise InvalidRecordsError("a table without columns: give at least one")
        return Records(kind, {}, columns)
    if kind is Kind.SHAPES:
        return Records(kind, shapes_of(data, shape_type), columns, _canvas(image_shape))
    return Records(kind, _GEOMETRIES[kind](data), columns)


def kind_of(name: Kind | str) -> Kind:
    """Return a kind by its name.

    Raises
    ------
    InvalidRecordsError
        There is none of this name.
    """
    try:
        return Kind(name)
    except ValueError as error:
        raise InvalidRecordsError(f"kind {name!r} is not one of {', '.join(Kind)}") from error


def label_table(features: object) -> Records:
    """Return the features of labels as the table that they travel as.

    Raises
    ------
    InvalidRecordsError
        No column says to which label a row belongs.
    """
    table = make_records(features, Kind.TABLE)
    if row_labels(table) is None:
        raise InvalidRecordsError(
            f"features of labels need a column {' or '.join(map(repr, LABEL_NAMES))} of whole numbers;"
            f" there are {', '.join(table.features)}"
        )
    return table


def _canvas(shape: Any) -> tuple[int, int] | None:  # noqa: ANN401 -- of an image, with or without RGB
    if shape is None:
        return None
    numbers = tuple(int(length) for length in shape)
    if len(numbers) not in (2, 3) or min(numbers) < 1:
        raise InvalidRecordsError(f"image_shape={shape!r}: expected the image's (Y, X)")
    return numbers[0], numbers[1]
