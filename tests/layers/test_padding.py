"""Planes of different sizes in one layer: padded when read, never stored, never counted."""

import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId
from platecast.config import Display, NapariDisplayConfig, NapariVariableSizeHandling
from platecast.layers import LayerStore, sample_values

PADDED = Display(pad_to_max=True)


def put(store, value, shape, dtype="uint16", kind=Kind.IMAGE, display=PADDED, **components):
    plane = PlaneId(components=Components(**components), kind=kind)
    return store.put(plane, display, np.full(shape, value, dtype), None, None)


def test_sizes_share_a_layer():
    store = LayerStore()
    placed = [put(store, 5, (8, 8), well="A01"), put(store, 6, (4, 12), well="A02")]
    layer = placed[0].layer
    assert placed[1].layer is layer
    assert placed[1].grown, "the window must hear that planes got larger"
    assert layer.stack.shape[-2:] == (8, 12)
    small = store.read("Image", well="A02")
    assert (small[:4] == 6).all()
    assert not small[4:].any()
    assert layer.stack.nbytes == (8 * 8 + 4 * 12) * 2, "padding is never stored"
    assert not put(store, 7, (8, 12), well="A03").layer.stack.put(("A03",), np.zeros((2, 2), "uint16"))


def test_padding_is_not_counted():
    store = LayerStore()
    layer = put(store, 5, (8, 8), well="A01").layer
    put(store, 6, (4, 12), well="A02")
    values = sample_values(layer.stack.planes_at([(0, 1), (0,), (0,), (0,), (0,)]))
    assert sorted(set(values.tolist())) == [5, 6]
    assert values.size == 8 * 8 + 4 * 12


@pytest.mark.parametrize(
    "other",
    [
        {"shape": (8, 8), "dtype": "float32"},
        {"shape": (8, 8, 3), "dtype": "uint8"},
        {"shape": (8, 8), "kind": Kind.LABELS},
        {"shape": (8, 8), "display": Display()},
    ],
    ids=["dtype", "rgb", "kind", "not padded"],
)
def test_what_never_shares_a_layer(other):
    store = LayerStore()
    first = put(store, 5, (8, 8), well="A01")
    second = put(store, 6, well="A02", **other)
    assert first.layer is not second.layer
    assert store.read(second.layer.name, well="A02").dtype == other.get("dtype", "uint16")


def test_several_planes_at_once():
    store = LayerStore()
    put(store, 5, (2, 2), z_index=0)
    put(store, 6, (3, 1), z_index=1)
    stack = store.layers[0].stack
    assert stack[0, 0, 0, 0, :].tolist() == [
        [[5, 5], [5, 5], [0, 0]],
        [[6, 0], [6, 0], [6, 0]],
    ]


@pytest.mark.parametrize("handling", NapariVariableSizeHandling)
def test_the_choice_travels(handling):
    display = NapariDisplayConfig(variable_size_handling=handling).resolve()
    assert display.pad_to_max is (handling is NapariVariableSizeHandling.PAD_TO_MAX)
