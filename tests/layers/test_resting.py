"""Planes that are read when they are looked at."""

import numpy as np
import pytest

from platecast.components import Components, PlaneId
from platecast.config import Display
from platecast.layers import LayerStore, Shelf

SHAPE = (4, 6)


@pytest.fixture
def stored():
    return {f"disk:{n}": np.full(SHAPE, n, np.uint16) for n in range(1, 6)}


@pytest.fixture
def loads():
    return []


@pytest.fixture
def shelf(stored, loads):
    def load(address):
        loads.append(address)
        if address not in stored:
            raise FileNotFoundError(address)
        return stored[address]

    return Shelf(load, budget_bytes=3 * 48)


@pytest.fixture
def put(shelf):
    store = LayerStore()

    def put(n, well, shape=SHAPE):
        plane = shelf.plane(f"disk:{n}", shape, "uint16")
        identity = PlaneId(components=Components(well=well))
        return store.put(identity, Display(), plane, (0.0, 9.0), n).layer

    return put


def test_nothing_is_read_before_it_is_looked_at(put, loads):
    layer = put(1, "A01")
    put(2, "A02")
    assert loads == []
    assert layer.stack.nbytes == 0
    assert layer.stack[1, 0, 0, 0, 0, 2, 3] == 2
    assert loads == ["disk:2"]


def test_planes_read_lately_are_kept_within_the_budget(put, loads):
    layer = put(1, "A01")
    for n in range(2, 6):
        put(n, f"A{n:02d}")
    for _ in range(2):
        assert layer.stack[0, 0, 0, 0, 0].max() == 1
    assert loads == ["disk:1"]
    for position in range(5):
        assert layer.stack[position, 0, 0, 0, 0].min() == position + 1
    assert layer.stack[0, 0, 0, 0, 0].max() == 1
    assert loads == [f"disk:{n}" for n in (1, 2, 3, 4, 5, 1)]


@pytest.mark.parametrize("case", ["is not there", "has another shape"])
def test_plane_that_cannot_be_read_is_missing(put, stored, case, caplog):
    if case == "has another shape":
        stored["disk:1"] = np.zeros((9, 9), np.uint16)
    else:
        del stored["disk:1"]
    layer = put(1, "A01")
    assert not layer.stack.is_missing((0, 0, 0, 0, 0))
    assert layer.stack[0, 0, 0, 0, 0].max() == 0
    assert layer.stack.is_missing((0, 0, 0, 0, 0))
    assert "disk:1" in caplog.text


def test_what_is_read_is_read_only(put):
    layer = put(1, "A01")
    with pytest.raises(ValueError, match="read-only"):
        layer.stack[0, 0, 0, 0, 0][0, 0] = 1
