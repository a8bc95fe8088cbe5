"""Which components are layers may change while the planes are there."""

import time

import numpy as np
import pytest

from platecast.components import Components, PlaneId, PlateLayout
from platecast.config import Display
from platecast.layers import LayerStore


def put(store, value, *, display=None, run="", ticket=None, **components):
    plane = PlaneId(components=Components(**components), run=run)
    array = np.full((8, 8), value, "uint16")
    return store.put(plane, display or Display(), array, None, ticket or value)


@pytest.fixture
def store():
    """Two wells, two channels, two sites, and the values 0 to 7 in this order."""
    store = LayerStore()
    places = [(w, c, s) for w in ("B01", "A01") for c in ("DAPI", "GFP") for s in (1, 2)]
    for value, (well, channel, site) in enumerate(places):
        put(store, value, well=well, channel=channel, site=site)
    return store


@pytest.mark.parametrize(
    ("sliced", "names", "axes"),
    [
        (("channel",), ["Channel_DAPI", "Channel_GFP"], {"well": 2, "site": 2}),
        ((), ["Image"], {"well": 2, "site": 2, "channel": 2}),
        (("site",), ["Site_001", "Site_002"], {"well": 2, "channel": 2}),
        (
            ("channel", "well"),
            [f"Well_{w}_Channel_{c}" for c in ("DAPI", "GFP") for w in ("A01", "B01")],
            {"site": 2},
        ),
        (("z_index",), ["Image"], {"well": 2, "site": 2, "channel": 2}),
    ],
)
def test_planes_move_and_none_is_lost(store, sliced, names, axes):
    before = {layer.stack.plane(index)[0, 0] for layer in store.layers for index in layer.stack.indices}
    store.regroup(sliced)
    assert [layer.name for layer in store.layers] == names
    lengths = {name: len(store.axes.values(name)) for name in ("well", "site", "channel", "z_index")}
    assert {name: length for name, length in lengths.items() if length} == axes
    after = [layer.stack.plane(index)[0, 0] for layer in store.layers for index in layer.stack.indices]
    assert sorted(after) == sorted(before)
    layer = store.layers[-1]
    own = {"well": "B01", "site": 2, "channel": "GFP"} | dict(layer.key.sliced)
    assert store.read(layer.name, **own)[0, 0] == 3


def test_pixels_are_not_copied(store):
    plane = store.layers[0].stack.plane(("A01", 1))
    store.regroup(("well", "channel"))
    assert store.find("Well_A01_Channel_DAPI").stack.plane((1,)) is plane


def test_layers_that_hold_the_same_planes_stay(store):
    put(store, 99, site=1)
    kept = store.find("Image")
    regrouping = store.regroup(("channel", "well"))
    assert store.find("Image") is kept
    assert kept not in regrouping.removed
    origins = [[old.name for old in olds] for olds in regrouping.origins.values()]
    assert origins == [["Channel_DAPI"]] * 2 + [["Channel_GFP"]] * 2
    back = store.regroup(("channel",))
    assert [[old.name for old in olds] for olds in back.origins.values()] == [
        ["Well_A01_Channel_DAPI", "Well_B01_Channel_DAPI"],
        ["Well_A01_Channel_GFP", "Well_B01_Channel_GFP"],
    ]


def test_what_comes_later_follows(store):
    store.regroup(("well",))
    placed = put(store, 50, well="A01", channel="Cy5", site=1)
    assert placed.layer is store.find("Well_A01")
    assert not placed.created


def test_the_senders_choose_again(store):
    put(store, 50, well="A01", channel="DAPI", site=1, run="b", display=Display(sliced=("site",)))
    names = {layer.name for layer in store.layers}
    store.regroup(())
    store.regroup(None)
    assert {layer.name for layer in store.layers} == names
    assert store.sliced is None


def test_the_same_plane_twice_is_superseded():
    store = LayerStore()
    put(store, 1, well="A01", channel=1, ticket="first")
    put(store, 2, well="A01", channel=1, ticket="second", display=Display(sliced=()))
    assert store.regroup(()).superseded != ()
    assert len(store.layers) == 1


def test_announced_values_come_and_go_with_their_axis(store):
    store.announce(PlateLayout(well=("A01", "A02", "B01", "B02")))
    store.regroup(("well",))
    assert store.axes.values("well") == ()
    assert store.values("well") == ("A01", "B01")
    store.regroup(("channel",))
    assert store.axes.values("well") == ("A01", "A02", "B01", "B02")


def test_only_components_can_be_layers(store):
    with pytest.raises(ValueError, match="plate, row: only well, site, channel"):
        store.regroup(("plate", "row"))
    assert [layer.name for layer in store.layers] == ["Channel_DAPI", "Channel_GFP"]


def test_a_plate_of_5000_planes_is_quick():
    store = LayerStore()
    for well in range(312):
        for site in range(8):
            for channel in (1, 2):
                put(
                    store,
                    0,
                    well=f"{'ABCDEFGHIJKLMNOP'[well % 16]}{well // 16 + 1}",
                    site=site,
                    channel=channel,
                )
    begin = time.perf_counter()
    store.regroup(("well", "channel"))
    assert len(store.layers) == 624
    store.regroup(("channel",))
    assert time.perf_counter() - begin < 2.0
