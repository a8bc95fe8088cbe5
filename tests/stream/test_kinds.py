"""Records and whole stacks: they arrive exactly, and what is wrong is said before anything is sent."""

import numpy as np
import pytest

from platecast.components import Kind
from platecast.config import NapariStreamingConfig
from platecast.errors import InvalidRecordsError, UnsupportedArrayError
from platecast.records import Records
from platecast.stream import NapariStreamBackend
from tests.receiving import viewer_on
from tests.sending import LARGE, SMALL, open_stream, pattern

SHAPES = {"config": {"polygons": "shapes"}}
TRIANGLE = [[0, 0], [0, 4], [4, 4]]


def records_of(viewer):
    return [plane.array for plane in viewer.planes if isinstance(plane.array, Records)]


def many(count):
    rng = np.random.default_rng(count)
    return rng.uniform(0, 2160, (count, 2)).astype(np.float32)


SENT = {
    "few points": (Kind.POINTS, many(3), {"features": {"name": ["a", "b", "ç"], "area": [1, 2, 3]}}),
    "points with a z": (Kind.POINTS, np.arange(12).reshape(4, 3), {}),
    "100,000 points": (Kind.POINTS, many(100_000), {"features": {"area": np.arange(100_000)}}),
    "no points": (Kind.POINTS, [], {}),
    "vectors": (Kind.VECTORS, np.arange(12).reshape(3, 2, 2), {}),
    "tracks": (Kind.TRACKS, [[5, 0, 1.5, 2.5], [5, 1, 2, 3]], {"features": {"speed": [0.0, 1.0]}}),
    "shapes": (Kind.SHAPES, [TRIANGLE, [TRIANGLE, [[1, 2], [1, 3], [2, 3]]]], {}),
    "a table": (Kind.TABLE, {"label": [1, 2], "name": ["x", ""]}, {}),
}


@pytest.mark.parametrize(("kind", "data", "options"), SENT.values(), ids=SENT)
def test_records_arrive_exactly(kind, data, options, free_port):
    with viewer_on(free_port) as viewer:
        stream = open_stream(free_port, step=(2, "spots"), **SHAPES)
        stream.send(data, kind=str(kind), well="A01", site=3, **options)
        assert stream.flush(10).shown == 1
        (records,) = records_of(viewer)
        assert viewer.planes[0].plane.kind is kind
        assert viewer.planes[0].plane.components.site == 3
        if kind is Kind.POINTS and records.count:
            assert np.array_equal(records.geometry["coordinates"], np.asarray(data, np.float32))
        for name, column in options.get("features", {}).items():
            assert records.features[name].tolist() == list(column)
        if kind is Kind.SHAPES:
            assert records.geometry["shapes"].tolist() == [0, 1, 3]
            assert records.geometry["vertices"][:3].tolist() == TRIANGLE
        if kind is Kind.TABLE:
            assert records.features["name"].tolist() == ["x", ""]


def test_features_of_labels_travel_beside_them(free_port):
    with viewer_on(free_port) as viewer:
        stream = open_stream(free_port)
        labels = np.array([[0, 1], [2, 2]])
        stream.send(labels, kind="labels", well="A01", features={"label": [1, 2], "area": [1.0, 2.0]})
        assert stream.flush(10).shown == 2
        assert [plane.plane.kind for plane in viewer.planes] == [Kind.LABELS, Kind.TABLE]


def test_polygons_arrive_as_labels_of_the_size_beside_them(free_port):
    with viewer_on(free_port) as viewer:
        stream = open_stream(free_port)
        stream.send(pattern(SMALL), well="A01", site=1)
        stream.send([TRIANGLE], kind="shapes", well="A01", site=1, features={"area": [8.0]})
        stream.send([TRIANGLE], kind="shapes", well="A02", site=1, image_shape=(9, 8))
        assert stream.flush(10).shown == 3
        _, beside, given = viewer.planes
        assert beside.array.shape == SMALL
        assert given.array.shape == (9, 8)
        assert np.asarray(beside.array)[1, 3] == 1
        assert beside.features.features["area"].tolist() == [8.0]


STACKS = {
    "z": ("zyx", (3, *SMALL), {"z_index": 5}, [{"z_index": z} for z in (5, 6, 7)]),
    "z of large planes": ("zyx", (3, *LARGE), {}, [{"z_index": z} for z in range(3)]),
    "time": ("tyx", (2, *SMALL), {}, [{"timepoint": 0}, {"timepoint": 1}]),
    "channels by number": ("cyx", (2, *SMALL), {"channel": 1}, [{"channel": 1}, {"channel": 2}]),
    "channels by name": (
        "cyx",
        (2, *SMALL),
        {"channel": ["DAPI", "GFP"]},
        [{"channel": "DAPI"}, {"channel": "GFP"}],
    ),
    "time and z": (
        "tzyx",
        (2, 2, *SMALL),
        {"timepoint": 4},
        [{"timepoint": t, "z_index": z} for t in (4, 5) for z in (0, 1)],
    ),
    "RGB": ("zyxs", (2, *SMALL, 3), {}, [{"z_index": 0}, {"z_index": 1}]),
}


@pytest.mark.parametrize(("axes", "shape", "given", "named"), STACKS.values(), ids=STACKS)
def test_a_stack_lands_as_its_planes(axes, shape, given, named, free_port):
    with viewer_on(free_port) as viewer:
        stream = open_stream(free_port)
        stack = pattern(shape, "uint8" if "s" in axes else "uint16")
        stream.send(stack, axes=axes, well="B02", **given)
        assert stream.flush(10).shown == len(named) == stream.report().sent
        planes = stack.reshape(-1, *shape[len(axes.partition("yx")[0]) :])
        for plane, expected, wanted in zip(viewer.planes, named, planes, strict=True):
            components = plane.plane.components
            assert {name: getattr(components, name) for name in components.present} == {
                "well": "B02"
            } | expected
            assert np.array_equal(plane.array, wanted)


def test_planes_of_a_stack_of_64_bit_integers_have_one_type(free_port):
    with viewer_on(free_port) as viewer:
        stream = open_stream(free_port)
        stream.send(np.arange(3 * 4 * 5).reshape(3, 4, 5) * 1000, axes="zyx", well="A01")
        stream.flush(10)
        assert {str(plane.array.dtype) for plane in viewer.planes} == {"uint16"}


STACK = np.zeros((3, 4, 5))
REFUSED = {
    "no axes": (STACK, {}, UnsupportedArrayError, "send it with axes='zyx'"),
    "unknown axes": (STACK, {"axes": "qyx"}, UnsupportedArrayError, "axes='qyx': expected any of t, c, z"),
    "axes of another order": (STACK, {"axes": "yxz"}, UnsupportedArrayError, "then 'yx'"),
    "an axis twice": (STACK, {"axes": "zzyx"}, UnsupportedArrayError, "each once"),
    "too many axes": (
        STACK,
        {"axes": "tzyx"},
        UnsupportedArrayError,
        "are 4, and the array has shape (3, 4, 5)",
    ),
    "an empty stack": (STACK[:0], {"axes": "zyx"}, UnsupportedArrayError, "holds no planes"),
    "names too few": (
        STACK,
        {"axes": "cyx", "channel": ["DAPI"]},
        UnsupportedArrayError,
        "does not name 3 planes",
    ),
    "one name for all": (
        STACK,
        {"axes": "cyx", "channel": "DAPI"},
        UnsupportedArrayError,
        "give a list of 3",
    ),
    "names without their axis": (STACK[0], {"channel": ["DAPI"]}, UnsupportedArrayError, "such as 'cyx'"),
    "labels of floats": (
        STACK,
        {"axes": "zyx", "kind": "labels"},
        UnsupportedArrayError,
        "labels must be integers",
    ),
    "a stack of points": (STACK, {"axes": "zyx", "kind": "points"}, UnsupportedArrayError, "are for stacks"),
    "no such kind": (STACK, {"kind": "blobs"}, InvalidRecordsError, "kind 'blobs' is not one of"),
    "features of an image": (
        STACK[0],
        {"features": {"a": [1]}},
        InvalidRecordsError,
        "an image has no features",
    ),
    "features without labels": (
        np.ones((2, 2), int),
        {"kind": "labels", "features": {"a": [1]}},
        InvalidRecordsError,
        "need a column 'label' or 'index'",
    ),
    "a line as labels": (
        [[[0, 0], [1, 1]]],
        {"kind": "shapes", "shape_type": "line"},
        InvalidRecordsError,
        "use polygons='shapes'",
    ),
    "NaN": ([[np.nan, 1.0]], {"kind": "points"}, InvalidRecordsError, "row 0 is [nan, 1.0]"),
}


@pytest.mark.parametrize(("data", "options", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_and_nothing_is_sent(data, options, error, words, free_port):
    stream = open_stream(free_port)
    with pytest.raises(error) as caught:
        stream.send(data, well="A01", **options)
    assert words in str(caught.value)
    assert stream.report().sent == 0


def test_save_batch_takes_the_kinds(free_port):
    with viewer_on(free_port) as viewer:
        backend = NapariStreamBackend()
        config = NapariStreamingConfig(napari_port=free_port)
        paths = ["well-A01_site-1.tif", "well-A02_site-1.tif"]
        backend.save_batch(
            [many(2), many(3)],
            paths,
            kind="points",
            features=[{"a": [1, 2]}, {"a": [1, 2, 3]}],
            config=config,
        )
        backend.save_batch([{"label": [1]}, {"label": [2]}], paths, kind="table", config=config)
        with pytest.raises(InvalidRecordsError, match="there are 3 points"):
            backend.save_batch(
                [many(2), many(3)], paths, kind="points", features=[None, {"a": [1]}], config=config
            )
        with pytest.raises(InvalidRecordsError, match="save them with kind='table'"):
            backend.save_batch(
                [np.ones((2, 2), int)], paths[:1], kind="labels", features=[None], config=config
            )
        backend.close()
        assert [records.count for records in records_of(viewer)] == [2, 3, 1, 1]
        assert [plane.plane.components.well for plane in viewer.planes] == ["A01", "A02"] * 2
