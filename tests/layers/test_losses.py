"""Planes that are not there, and why."""

import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.layers import LayerStore, Loss, LossState

DROPPED, FAILED = Loss(LossState.DROPPED, "no room"), Loss(LossState.FAILED, "too large")


def plane(**components):
    known = {name: components.pop(name) for name in ("run", "step", "kind") if name in components}
    return PlaneId(components=Components(**components), **known)


@pytest.fixture
def store():
    store = LayerStore()
    for well in ("A01", "A02"):
        store.put(plane(well=well, channel=1), Display(), np.ones((4, 4), np.uint16), None, None)
    return store


def loss(store, index, channel=1):
    layer = next(layer for layer in store.layers if layer.key.channel in (channel, None))
    return store.loss(layer, index)


def test_a_loss_is_found_at_its_place_and_nowhere_else(store):
    assert store.lose(plane(well="A03", channel=1), Display(), DROPPED), "the window can go there"
    store.lose(plane(well="A04", channel=2), Display(), FAILED)
    assert store.axes.values("well") == ("A01", "A02", "A03", "A04")
    assert loss(store, ("A03",)) == DROPPED
    assert loss(store, ("A04",)) is None
    assert loss(store, ("A01",)) is None


def test_it_is_forgotten_when_the_plane_comes(store):
    store.lose(plane(well="A03", channel=1), Display(), DROPPED)
    store.put(plane(well="A03", channel=1), Display(), np.ones((4, 4), np.uint16), None, None)
    assert loss(store, ("A03",)) is None


def test_it_moves_with_the_layers(store):
    store.lose(plane(well="A03", channel=1), Display(), DROPPED)
    store.regroup([])
    assert store.loss(store.layers[0], ("A03", 1)) == DROPPED
    assert "A03" in store.axes.values("well")
    store.regroup(None)
    assert loss(store, ("A03",)) == DROPPED


def test_it_goes_with_its_layer(store):
    store.lose(plane(well="A03", channel=1), Display(), DROPPED)
    (layer,) = store.layers
    store.remove(layer)
    assert store.loss(layer, ("A03",)) is None
    store.lose(plane(well="A03", channel=1), Display(), DROPPED)
    store.clear()
    assert store.loss(layer, ("A03",)) is None


def test_what_can_be_no_plane_is_nowhere(store):
    assert not store.lose(plane(well="B01", kind=Kind.TABLE), Display(), FAILED)
    assert "B01" not in store.axes.values("well")


@pytest.mark.parametrize(
    ("changed", "is_shared"),
    [
        ({"site": 1}, True),
        ({"step": StepId(1, "blur")}, False),
        ({"channel": 2}, False),
    ],
)
def test_layers_of_a_channel_and_step_start_alike(store, changed, is_shared):
    store = LayerStore()
    sliced = Display(sliced=("channel", "site"))
    first = {"well": "A01", "site": 0, "channel": 1}
    one = store.put(plane(**first), sliced, np.ones((4, 4), np.uint16), (10.0, 90.0), None).layer
    other = store.put(plane(**first | changed), sliced, np.ones((4, 4), np.uint16), (0.0, 5.0), None).layer
    assert one.contrast == (10.0, 90.0)
    assert other.contrast == ((10.0, 90.0) if is_shared else (0.0, 5.0))


def test_first_planes_make_the_limits_and_later_ones_do_not():
    store = LayerStore()
    for site in range(40):
        limits = (10.0 - site, 90.0 + site) if site < 3 else (0.0, 1000.0 * (site > 16) + 1.0)
        array = np.ones((4, 4), np.uint16)
        layer = store.put(plane(well="A01", site=site, channel=1), Display(), array, limits, None).layer
    assert layer.contrast == (0.0, 92.0)
