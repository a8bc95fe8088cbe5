import gc
import weakref

import numpy as np
import pytest

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.errors import UnsupportedArrayError
from platecast.layers import LayerStore


def put(
    store, value=1, *, run="", step=None, kind=Kind.IMAGE, dtype="uint16", contrast=None, ticket=None, **rest
):
    replace_layers = rest.pop("replace_layers", False)
    array = np.full((8, 8), value, dtype)
    plane = PlaneId(components=Components(**rest), run=run, step=step, kind=kind)
    return store.put(plane, Display(replace_layers=replace_layers), array, contrast, ticket)


def test_first_plane_creates_and_grows():
    store = LayerStore()
    first = put(store, well="A01", channel="DAPI", ticket="t1")
    second = put(store, well="B01", channel="DAPI")
    third = put(store, well="B01", channel="GFP")
    assert [(p.created, p.grown) for p in (first, second, third)] == [
        (True, True),
        (False, True),
        (True, False),
    ]
    assert (first.layer, first.index) == (second.layer, ("A01",))
    assert [layer.name for layer in store.layers] == ["Channel_DAPI", "Channel_GFP"]
    assert store.find("Channel_GFP") is third.layer
    assert store.find("Channel_Cy5") is None


@pytest.mark.parametrize(
    ("replace_layers", "layers", "superseded"), [(True, 1, "t1"), (False, 2, None)], ids=["replace", "keep"]
)
def test_a_later_run(replace_layers, layers, superseded):
    store = LayerStore()
    put(store, 1, run="a", well="A01", ticket="t1", replace_layers=replace_layers)
    again = put(store, 2, run="b", well="A01", ticket="t2", replace_layers=replace_layers)
    assert len(store.layers) == layers
    assert again.superseded == superseded
    assert store.read(again.layer.name, well="A01")[0, 0] == 2


def test_the_same_plane_again_supersedes_within_a_run():
    store = LayerStore()
    put(store, well="A01", ticket="t1")
    assert put(store, well="A01", ticket="t2").superseded == "t1"
    assert put(store, well="A01", ticket="t3").superseded == "t2"


def test_replaced_memory_is_let_go_at_once():
    store = LayerStore()
    array = np.zeros((8, 8), np.uint16)
    gone = weakref.ref(array)
    plane = PlaneId(components=Components(well="A01"))
    gc.disable()
    try:
        store.put(plane, Display(), array, None, None)
        del array
        assert gone() is not None
        store.put(plane, Display(), np.zeros((8, 8), np.uint16), None, None)
        assert gone() is None
    finally:
        gc.enable()


def test_a_projection_renames_the_layer_before_it():
    store = LayerStore()
    projection = put(store, channel="DAPI", well="A01")
    stack = put(store, channel="DAPI", well="A01", z_index=3)
    assert stack.renamed == (projection.layer,)
    assert [layer.name for layer in store.layers] == ["Channel_DAPI_projection", "Channel_DAPI"]
    assert put(store, channel="DAPI", well="A01", z_index=4).renamed == ()


def test_a_removed_layer_comes_back_under_its_name():
    store = LayerStore()
    first = put(store, run="a", channel=1)
    put(store, run="b", channel=1)
    store.remove(first.layer)
    assert [layer.name for layer in store.layers] == ["b_Channel_1"]
    again = put(store, run="a", channel=1)
    assert again.created
    assert again.layer.name == "Channel_1"


def test_clear_starts_anew():
    store = LayerStore()
    put(store, run="a", well="A01")
    store.clear()
    placed = put(store, run="b", well="B01")
    assert placed.layer.name == "Image"
    assert store.axes.values("well") == ("B01",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [((5.0, 9.0), (5.0, 9.0)), (None, (7.0, 8.0)), ((3.0, 3.0), (7.0, 8.0))],
    ids=["sender's", "own", "empty"],
)
def test_contrast_of_an_image(given, expected):
    assert put(LayerStore(), 7, well="A01", contrast=given).layer.contrast == expected


def test_labels_have_no_contrast_and_share_a_layer():
    store = LayerStore()
    small = put(store, 200, kind=Kind.LABELS, dtype="uint8", well="A01", contrast=(0.0, 1.0))
    large = put(store, 300, kind=Kind.LABELS, dtype="uint16", well="B01")
    assert small.layer is large.layer
    assert small.layer.contrast is None
    assert store.read("Image_labels", well="A01").dtype == np.uint16


def test_what_cannot_be_shown_changes_nothing():
    store = LayerStore()
    with pytest.raises(UnsupportedArrayError):
        put(store, kind=Kind.POINTS, well="A01")
    assert store.layers == ()
    assert store.axes.values("well") == ()


@pytest.fixture
def several():
    store = LayerStore()
    for value, (well, z) in enumerate([("A01", 0), ("A01", 5), ("B01", 0)]):
        put(store, value, step=StepId(1, "blur"), plate="P", well=well, channel="DAPI", z_index=z)
    return store


@pytest.mark.parametrize(
    ("components", "value"),
    [
        ({"well": "A01", "z_index": 5}, 1),
        ({"well": "b1"}, 2),
        ({"z_index": 5}, 1),
        ({"z_index": 5, "channel": "DAPI", "site": 9}, 1),
    ],
    ids=["exact", "well-is-enough", "z-is-enough", "more-than-it-has"],
)
def test_read(several, components, value):
    plane = several.read("Step_01_blur_Channel_DAPI", **components)
    assert (plane == value).all()


@pytest.mark.parametrize(
    ("name", "components", "words"),
    [
        ("nothing", {}, "no layer 'nothing'; there are: Step_01_blur_Channel_DAPI"),
        ("Step_01_blur_Channel_DAPI", {}, "3 planes with no component given: say well, z_index too"),
        ("Step_01_blur_Channel_DAPI", {"well": "A01"}, "2 planes with well='A01': say z_index too"),
        ("Step_01_blur_Channel_DAPI", {"well": "C01"}, "no plane with well='C01': it is missing"),
        ("Step_01_blur_Channel_DAPI", {"well": "B01", "z_index": 5}, "it is missing"),
        ("Step_01_blur_Channel_DAPI", {"channel": "GFP"}, "holds channel='DAPI', not 'GFP'"),
        ("Step_01_blur_Channel_DAPI", {"plate": "Q"}, "holds plate='P', not 'Q'"),
    ],
)
def test_read_of_what_is_not_there(several, name, components, words):
    with pytest.raises(LookupError, match=words):
        several.read(name, **components)
