"""Whose features the rows of a table are, and numbers by well."""

import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.layers import LayerStore
from platecast.records import make_records

SEGMENT, MEASURE, SPOTS = StepId(2, "segment"), StepId(3, "measure"), StepId(4, "spots")


@pytest.fixture
def store():
    return LayerStore()


@pytest.fixture
def put(store):
    def put(kind, data=None, *, step=SEGMENT, run="1", features=None, ticket=None, **components):
        plane = PlaneId(components=Components(**components), run=run, step=step, kind=kind)
        if kind is Kind.TABLE:
            return store.put_table(plane, Display(), make_records(data, kind), ticket)
        content = (
            np.zeros((4, 4), np.uint16) if kind.is_pixels else make_records(data, kind, features=features)
        )
        return store.put(plane, Display(), content, None, ticket)

    return put


def read(store, placement):
    features = store.features(placement.layer, placement.index)
    return {name: column.tolist() for name, column in features.items()}


def test_labels_take_the_table_of_their_place(store, put):
    here, there = put(Kind.LABELS, well="A01", site=1), put(Kind.LABELS, well="A01", site=2)
    put(Kind.TABLE, {"label": [2, 1], "area": [20.0, 10.0]}, well="A01", site=1)
    assert read(store, here) == {"label": [1, 2], "area": [10.0, 20.0]}
    assert read(store, there) == {}


def test_a_table_may_come_first(store, put):
    put(Kind.TABLE, {"label": [1], "area": [10.0]}, well="A01")
    assert read(store, put(Kind.LABELS, well="A01")) == {"label": [1], "area": [10.0]}


PLACES = {
    "the same": ({"well": "A01", "channel": "DAPI"}, {"well": "A01", "channel": "DAPI"}, True),
    "a table without channel": ({"well": "A01", "channel": "DAPI"}, {"well": "A01"}, True),
    "another channel": ({"well": "A01", "channel": "DAPI"}, {"well": "A01", "channel": "GFP"}, False),
    "a table without z": ({"well": "A01", "z_index": 3}, {"well": "A01"}, True),
    "a table of another z": ({"well": "A01", "z_index": 3}, {"well": "A01", "z_index": 2}, False),
    "another well": ({"well": "A01"}, {"well": "A02"}, False),
    "a table of the whole well": ({"well": "A01", "site": 1}, {"well": "A01"}, False),
    "another time": ({"well": "A01", "timepoint": 1}, {"well": "A01", "timepoint": 2}, False),
    "another plate": ({"well": "A01", "plate": "P"}, {"well": "A01", "plate": "Q"}, False),
}


@pytest.mark.parametrize(("labels", "table", "belongs"), PLACES.values(), ids=PLACES)
def test_which_place_a_table_belongs_to(store, put, labels, table, belongs):
    placed = put(Kind.LABELS, **labels)
    put(Kind.TABLE, {"label": [1], "area": [1.0]}, **table)
    assert bool(read(store, placed)) == belongs


def test_a_later_step_measures_the_last_one_that_made_labels(store, put):
    old = put(Kind.LABELS, step=StepId(1, "rough"), well="A01")
    new = put(Kind.LABELS, step=SEGMENT, well="A01")
    put(Kind.TABLE, {"label": [1], "area": [1.0]}, step=MEASURE, well="A01")
    assert (read(store, old), read(store, new)) == ({}, {"label": [1], "area": [1.0]})
    late = put(Kind.LABELS, step=MEASURE, well="A01")
    assert read(store, new) == {}, "the step of the table made labels of its own"
    assert read(store, late)


def test_another_run_has_other_tables(store, put):
    placed = put(Kind.LABELS, run="1", well="A01")
    put(Kind.TABLE, {"label": [1], "area": [1.0]}, run="2", well="A01")
    assert read(store, placed) == {}


def test_tables_of_several_steps_are_joined_and_gaps_are_told(store, put):
    placed = put(Kind.LABELS, well="A01")
    put(Kind.TABLE, {"label": [1, 2], "area": [1.0, 2.0]}, well="A01")
    put(Kind.TABLE, {"label": [2, 3], "name": ["b", "c"], "count": [5, 6]}, step=MEASURE, well="A01")
    features = store.features(placed.layer, placed.index)
    assert features["label"].tolist() == [1, 2, 3]
    assert features["name"].tolist() == ["", "b", "c"]
    assert np.array_equal(features["area"], [1.0, 2.0, np.nan], equal_nan=True)
    assert np.array_equal(features["count"], [np.nan, 5.0, 6.0], equal_nan=True)


def test_points_are_matched_by_their_labels_and_otherwise_only_one_by_one(store, put):
    points = np.zeros((2, 2))
    labelled = put(Kind.POINTS, points, features={"label": [7, 5]}, well="A01")
    plain = put(Kind.POINTS, points, well="A02")
    spots = put(Kind.POINTS, np.zeros((3, 2)), well="A03")
    put(Kind.TABLE, {"label": [5, 7], "area": [50.0, 70.0]}, well="A01")
    put(Kind.TABLE, {"label": [2, 1], "area": [20.0, 10.0]}, well="A02")
    put(Kind.TABLE, {"label": [2, 1], "area": [20.0, 10.0]}, well="A03")
    assert read(store, labelled) == {"label": [7, 5], "area": [70.0, 50.0]}
    assert read(store, plain) == {"area": [10.0, 20.0]}
    assert read(store, spots) == {}, "spots are no cells"


def test_a_table_sent_again_replaces_the_earlier_one(store, put):
    placed = put(Kind.LABELS, well="A01")
    assert put(Kind.TABLE, {"label": [1], "area": [1.0]}, well="A01", ticket="first") is None
    assert put(Kind.TABLE, {"label": [1], "size": [2.0]}, well="A01", ticket="second") == "first"
    assert read(store, placed) == {"label": [1], "size": [2.0]}


def test_numbers_by_well(store, put):
    put(Kind.TABLE, {"label": [1, 2], "area": [10.0, 20.0], "name": ["a", "b"]}, well="A01", site=1)
    put(Kind.TABLE, {"label": [1, 2], "area": [60.0, np.nan]}, well="A01", site=2)
    put(Kind.TABLE, {"label": [1], "area": [5]}, well="B02", site=1)
    put(Kind.POINTS, np.zeros((2, 2)), features={"brightness": [1.0, 3.0]}, well="C03")
    put(Kind.TABLE, {"well": ["a1", "H12", "nowhere"], "score": [1.0, 2.0, 3.0]}, plate="P")
    assert store.number_columns == ("area", "score", "brightness")
    assert store.numbers_by_well("area") == {"A01": 30.0, "B02": 5.0}
    assert store.numbers_by_well("brightness") == {"C03": 2.0}
    assert store.numbers_by_well("score", plate="P") == {"A01": 1.0, "H12": 2.0}
    assert store.numbers_by_well("score", plate="Q") == {}
    assert store.numbers_by_well("name") == {}


def test_numbers_are_those_of_the_newest_run(store, put):
    put(Kind.TABLE, {"label": [1], "area": [10.0]}, run="2026-01-01", well="A01")
    put(Kind.TABLE, {"label": [1], "area": [20.0]}, run="2026-01-02", well="A02")
    assert store.numbers_by_well("area") == {"A02": 20.0}
    store.drop_tables({"2026-01-02"}, {SEGMENT})
    assert store.numbers_by_well("area") == {"A01": 10.0}


def test_regrouping_keeps_records_and_their_features(store, put):
    for well in ("A01", "A02"):
        put(Kind.POINTS, np.full((2, 2), 1.0 if well == "A01" else 2.0), features={"a": [1, 2]}, well=well)
    assert len(store.layers) == 1
    store.regroup(["well"])
    assert [layer.name for layer in store.layers] == [
        "Step_02_segment_Well_A01_points",
        "Step_02_segment_Well_A02_points",
    ]
    for layer, value in zip(store.layers, (1.0, 2.0), strict=True):
        (records,) = layer.stack.planes()
        assert (records.geometry["coordinates"] == value).all()
        assert store.features(layer, layer.stack.indices[0])["a"].tolist() == [1, 2]


def test_points_of_their_own_z_are_not_those_of_a_plane(store, put):
    flat, deep = (
        put(Kind.POINTS, np.zeros((1, 2)), well="A01"),
        put(Kind.POINTS, np.zeros((1, 3)), well="A01"),
    )
    assert flat.layer is not deep.layer
    for z in (2, 4, 8):
        put(Kind.IMAGE, well="A01", z_index=z)
    put(Kind.POINTS, [[2, 0, 0], [3, 0, 0], [8, 1, 2], [10, 0, 0]], well="A02")
    stack = deep.layer.stack
    placed = stack.coordinates(("A02",))
    assert placed[:, 4].tolist() == [0.0, 0.5, 2.0, 2.5], "between slices, and beyond them, in proportion"
    assert placed[:, 0].tolist() == [1.0] * 4
    assert placed[2, 5:].tolist() == [1.0, 2.0]
