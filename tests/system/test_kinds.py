"""Points, shapes, tracks, vectors and tables, read back from the right layer of a running viewer."""

import itertools

import numpy as np
import pytest

from platecast.components import Kind
from platecast.config import NapariDimensionMode, NapariStreamingConfig
from platecast.manager import find_or_start, find_viewer, quit_viewer
from platecast.stream import Stream
from platecast.wire import ask, unpack_records
from tests.waiting import wait_until

SLICE = NapariDimensionMode.SLICE
MODES = {
    "axes": ({}, 300),
    "wells and sites as layers": ({"well_mode": SLICE, "site_mode": SLICE}, 2),
}
PLACES = [{"well": "A01", "site": 1}, {"well": "B02", "site": 1}, {"well": "B02", "site": 2}]
_HEIGHT = 2000


@pytest.fixture
def viewer(free_port):
    find_or_start(free_port, persistent=True)
    endpoint = find_viewer(free_port).endpoint
    yield endpoint
    quit_viewer(endpoint, timeout_s=20)


def made(kind, seed, count):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, _HEIGHT - 8, (count, 2)).astype(np.float32)
    if kind is Kind.POINTS:
        return points
    if kind is Kind.VECTORS:
        return np.stack((points, points[::-1]), axis=1)
    if kind is Kind.TRACKS:
        return np.column_stack((np.arange(count) // 2, np.arange(count) % 2, points))
    return [point + np.array([[0, 0], [0, 5], [5, 5]]) for point in points[:50]]


def vertices_of(kind, data):
    if kind is Kind.SHAPES:
        return np.concatenate(data).astype(np.float32)
    return np.asarray(data[:, 1:] if kind is Kind.TRACKS else data, np.float32)


def test_every_kind_is_read_back_from_its_layer_and_place(viewer):
    def request(command, **arguments):
        return ask(viewer.port, command, token=viewer.token, timeout_s=30, **arguments)

    kinds = (Kind.POINTS, Kind.SHAPES, Kind.TRACKS, Kind.VECTORS)
    wait_until(lambda: find_viewer(viewer.port).state == "ready", "the window is there", 30)
    for mode, (options, count) in MODES.items():
        config = NapariStreamingConfig(napari_port=viewer.port, polygons="shapes", **options)
        request("clear")
        with Stream(config=config, step=(1, "find"), start_viewer=False) as stream:
            sent = {}
            for seed, (kind, place) in enumerate(itertools.product(kinds, PLACES)):
                data = made(kind, seed, count)
                stream.send(data, kind=kind, features={"seed": np.full(len(data), seed)}, **place)
                sent[kind, *place.values()] = (seed, vertices_of(kind, data))
            for place in PLACES:
                labels = np.array([[1, 2], [0, place["site"]]], np.uint8)
                stream.send(
                    labels, kind="labels", features={"label": [1, 2], "site": [place["site"]] * 2}, **place
                )
            ledger = stream.flush(60)
            assert (ledger.shown, ledger.pending) == (len(sent) + 2 * len(PLACES), 0), mode
        layers = {}
        for layer in request("layers")[0]["layers"]:
            layers.setdefault(layer["kind"], []).append(layer)
        for kind, place in itertools.product(kinds, PLACES):
            seed, expected = sent[kind, *place.values()]
            name = of(layers[str(kind)], place)
            answer, (packed,) = request("read", layer=name, **place)
            records = unpack_records(np.frombuffer(packed, np.uint8), kind)
            array = records.geometry["vertices" if kind is Kind.SHAPES else "coordinates"]
            assert np.array_equal(array, expected), (mode, kind, place)
            assert set(records.features["seed"].tolist()) == {seed}
            assert answer == {"kind": str(kind), "count": records.count}
        for place in PLACES:
            _, (packed,) = request("features", layer=of(layers["labels"], place), **place)
            table = unpack_records(np.frombuffer(packed, np.uint8), Kind.TABLE)
            assert table.features["site"].tolist() == [place["site"]] * 2
        numbers = request("numbers", column="site")[0]["numbers"]
        assert numbers == {"A01": 1.0, "B02": 1.5}
    assert request("status")[0]["ledger"]["failed"] == 0


def of(layers, place):
    """Return the name of the layer that holds a place."""
    (layer,) = (
        layer for layer in layers if all(place[name] == value for name, value in layer["sliced"].items())
    )
    return layer["name"]
