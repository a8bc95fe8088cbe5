"""Records out of what users pass, and what is wrong said exactly."""

import numpy as np
import pytest

from platecast.components import Kind
from platecast.errors import InvalidRecordsError
from platecast.records import columns_of, kind_of, label_table, make_records


class Frame:
    """What data frames of several libraries have in common."""

    def __init__(self, **columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]


class Missing:
    """Named as pandas names it."""


Missing.__name__ = "NAType"

TABLES = {
    "a dict of lists": ({"label": [1, 2], "area": [1.5, 2.5]}, {"label": [1, 2], "area": [1.5, 2.5]}),
    "a data frame": (Frame(label=np.array([3]), area=np.array([1.0])), {"label": [3], "area": [1.0]}),
    "a structured array": (
        np.array([(1, 2.5)], [("label", "i4"), ("area", "f8")]),
        {"label": [1], "area": [2.5]},
    ),
    "text": ({"name": ["a", "b"]}, {"name": ["a", "b"]}),
    "text with gaps": ({"name": ["a", None, float("nan"), Missing()]}, {"name": ["a", "", "", ""]}),
    "numbers with gaps": ({"area": [1, None]}, {"area": [1.0, np.nan]}),
    "booleans": ({"is_edge": [True, False]}, {"is_edge": [1, 0]}),
    "big-endian": ({"area": np.array([1.5], ">f4")}, {"area": [1.5]}),
    "half floats": ({"area": np.array([1.5], "f2")}, {"area": [1.5]}),
    "unsigned 64-bit": ({"label": np.array([7], "u8")}, {"label": [7]}),
    "no rows": ({"label": np.empty(0, int)}, {"label": []}),
}


@pytest.mark.parametrize(("table", "expected"), TABLES.values(), ids=TABLES)
def test_columns_of_any_table(table, expected):
    columns = columns_of(table)
    assert list(columns) == list(expected)
    for name, column in columns.items():
        assert column.dtype.str in {"|O", "|u1", "<i4", "<i8", "<f4", "<f8"}
        wanted = np.array(expected[name], object if column.dtype == object else None)
        same = column == wanted if column.dtype == object else np.isclose(column, wanted, equal_nan=True)
        assert np.all(same)


BAD = {
    "tables: no table": (Kind.TABLE, 5, {}, "int is no table: use a dict of columns"),
    "tables: nothing": (Kind.TABLE, {}, {}, "a table without columns"),
    "tables: lengths": (Kind.TABLE, {"a": [1, 2], "b": [1]}, {}, "'a' has 2 rows, 'b' has 1"),
    "tables: two dimensions": (Kind.TABLE, {"a": np.zeros((2, 2))}, {}, "column 'a' has shape (2, 2)"),
    "tables: times": (Kind.TABLE, {"a": np.array(["2026-01-01"], "M8[D]")}, {}, "column 'a' is datetime64"),
    "tables: a mixture": (Kind.TABLE, {"a": ["x", 5]}, {}, "column 'a' mixes text and int (5)"),
    "tables: objects": (Kind.TABLE, {"a": [object()]}, {}, "column 'a' holds neither numbers nor text"),
    "tables: no name": (Kind.TABLE, {"": [1]}, {}, "a column named ''"),
    "points: NaN": (Kind.POINTS, [[1, 2], [np.nan, 3]], {}, "points: row 1 is [nan, 3.0]"),
    "points: infinite": (Kind.POINTS, [[1, np.inf]], {}, "row 0 is [1.0, inf]"),
    "points: four columns": (Kind.POINTS, np.zeros((5, 4)), {}, "(N, 2) or (N, 3), not (5, 4)"),
    "points: a line": (Kind.POINTS, [1.0, 2.0], {}, "not (2,)"),
    "points: ragged": (Kind.POINTS, [[1, 2], [3]], {}, "points: rows differ in length"),
    "points: text": (Kind.POINTS, [["a", "b"]], {}, "points are numbers, not <U1"),
    "points: features": (
        Kind.POINTS,
        np.zeros((3, 2)),
        {"features": {"a": [1, 2]}},
        "column 'a' has shape (2,), and there are 3 points",
    ),
    "vectors: no direction": (Kind.VECTORS, np.zeros((5, 2)), {}, "(N, 2, 2) or (N, 2, 3), not (5, 2)"),
    "vectors: three ends": (Kind.VECTORS, np.zeros((5, 3, 2)), {}, "not (5, 3, 2)"),
    "tracks: no id": (Kind.TRACKS, np.zeros((5, 3)), {}, "id, t, [z,] y, x; not (5, 3)"),
    "tracks: half an id": (Kind.TRACKS, [[0.5, 0, 1, 1]], {}, "row 0 has the id 0.5"),
    "tracks: NaN id": (Kind.TRACKS, [[np.nan, 0, 1, 1]], {}, "row 0 has the id nan"),
    "tracks: before the start": (Kind.TRACKS, [[1, -1, 1, 1]], {}, "the time -1.0 is negative"),
    "shapes: two vertices": (Kind.SHAPES, [[[0, 0], [1, 1]]], {}, "shape 0 is a polygon of 2 vertices"),
    "shapes: 3-D": (Kind.SHAPES, [np.zeros((4, 3))], {}, "shape 0 has vertices (4, 3) float64"),
    "shapes: one array": (Kind.SHAPES, np.zeros((4, 2)), {}, "not one array of shape (4, 2)"),
    "shapes: nothing inside": (Kind.SHAPES, [[]], {}, "shape 0 is empty"),
    "shapes: a number": (Kind.SHAPES, 5, {}, "a sequence of polygons, not int"),
    "shapes: NaN": (Kind.SHAPES, [[[0, 0], [0, 1], [np.nan, 1]]], {}, "row 2 is [nan, 1.0]"),
    "shapes: unknown type": (
        Kind.SHAPES,
        [np.eye(4, 2)],
        {"shape_type": "star"},
        "'star' is not one of polygon",
    ),
    "shapes: types": (
        Kind.SHAPES,
        [np.eye(4, 2)],
        {"shape_type": ["path"] * 2},
        "2 shape types for 1 shapes",
    ),
    "shapes: a box of 5": (Kind.SHAPES, [np.eye(5, 2)], {"shape_type": "rectangle"}, "it needs exactly 4"),
    "shapes: hole in a path": (
        Kind.SHAPES,
        [[np.eye(4, 2), np.eye(4, 2)]],
        {"shape_type": "path"},
        "only polygons have holes",
    ),
    "shapes: image": (Kind.SHAPES, [np.eye(4, 2)], {"image_shape": (0, 5)}, "image_shape=(0, 5)"),
}


@pytest.mark.parametrize(("kind", "data", "options", "words"), BAD.values(), ids=BAD)
def test_what_contradicts_itself_is_refused_exactly(kind, data, options, words):
    with pytest.raises(InvalidRecordsError) as caught:
        make_records(data, kind, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", [Kind.POINTS, Kind.VECTORS, Kind.TRACKS, Kind.SHAPES])
def test_nothing_is_something_that_can_be_sent(kind):
    records = make_records([], kind)
    assert (records.count, records.spatial) == (0, 2)


def test_a_kind_that_there_is_not():
    with pytest.raises(InvalidRecordsError, match="kind 'blobs' is not one of image, labels, points"):
        kind_of("blobs")


def test_features_of_labels_say_their_labels():
    with pytest.raises(
        InvalidRecordsError, match="need a column 'label' or 'index' of whole numbers; there are area"
    ):
        label_table({"area": [1.0]})
    assert label_table({"index": [4.0]}).count == 1


class Geometry:
    """As shapely has it: x before y."""

    def __init__(self, kind, coordinates):
        self.__geo_interface__ = {"type": kind, "coordinates": coordinates}


def test_geometries_are_taken_with_their_holes():
    outline, hole = ((0, 0), (9, 0), (9, 5), (0, 0)), ((1, 1), (2, 1), (2, 2), (1, 1))
    records = make_records(
        [Geometry("Polygon", (outline, hole)), Geometry("MultiPolygon", ((outline,), (hole,)))], Kind.SHAPES
    )
    assert records.geometry["shapes"].tolist() == [0, 2, 4]
    assert records.geometry["vertices"][1].tolist() == [0.0, 9.0]
    with pytest.raises(InvalidRecordsError, match="shape 0 is a Point: only polygons"):
        make_records([Geometry("Point", (0, 0))], Kind.SHAPES)
