"""Components become layers or axes while images are on screen; layers are made when they are looked at."""

import time

import numpy as np
import pytest

from platecast.config import Display
from platecast.viewer._napari._canvas import _MOST_LAYERS
from platecast.viewer._session._session import Session

WELLS = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 13)]


@pytest.fixture
def session(qapp, inbox, store, napari_canvas):
    session = Session(inbox, store, napari_canvas)
    yield session
    session.stop()


@pytest.fixture
def ask(qtbot, inbox, session):
    """Return a function that sends a command behind the planes and returns the answer."""

    def ask(name, **args):
        answers = inbox.command(name, **args)
        session.start()
        session.wake()
        qtbot.waitUntil(lambda: bool(answers), timeout=20_000)
        return answers[0][0]

    return ask


@pytest.fixture
def plate(inbox):
    for well in WELLS:
        for channel in ("DAPI", "GFP"):
            inbox.plane(WELLS.index(well), well=well, channel=channel, shape=(8, 8))


def names(model):
    return [layer.name for layer in model.layers]


def test_the_place_on_screen_is_kept(plate, ask, model):
    ask("goto", well="C05")
    assert ask("display", sliced=["channel", "well"]) == {
        "sliced": ["well", "channel"],
        "layers": 96,
        "follow_newest": False,
    }
    assert ask("layers")["on_screen"] == {"well": "C05"}
    assert [layer.name for layer in model.layers if layer.visible] == [
        "Well_C05_Channel_DAPI",
        "Well_C05_Channel_GFP",
    ]
    ask("display", sliced=["channel"])
    assert ask("layers")["on_screen"] == {"well": "C05"}
    assert names(model) == ["Channel_DAPI", "Channel_GFP"]
    assert model.dims.nsteps[0] == 48


def test_layers_keep_what_the_user_set(plate, ask, model):
    ask("layers")
    dapi = model.layers["Channel_DAPI"]
    dapi.contrast_limits, dapi.colormap, dapi.opacity, dapi.gamma = (3, 44), "fire", 0.4, 0.7
    model.layers["Channel_GFP"].visible = False
    ask("display", sliced=["well", "channel"])
    ask("goto", well="D12")
    here = model.layers["Well_D12_Channel_DAPI"]
    assert (here.contrast_limits, here.colormap.name, here.opacity, here.gamma) == ([3, 44], "fire", 0.4, 0.7)
    ask("display", sliced=["channel"])
    assert model.layers["Channel_DAPI"].contrast_limits == [3, 44]
    assert not model.layers["Channel_GFP"].visible


def test_layers_that_do_not_change_stay(plate, inbox, ask, model):
    inbox.plane(5, site=1, shape=(8, 8))
    ask("layers")
    before = model.layers["Image"]
    ask("display", sliced=["well", "channel"])
    assert model.layers["Image"] is before


def test_hundreds_of_layers_are_not_made(inbox, ask, model):
    for well in (f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)):
        inbox.plane(7, well=well, shape=(8, 8), display=Display(sliced=("well",)))
    listed = ask("layers")["layers"]
    assert len(listed) == 384
    assert len(model.layers) <= _MOST_LAYERS
    assert sum(layer["materialised"] for layer in listed) == len(model.layers)
    assert ask("read", layer="Well_P24")["shape"] == [8, 8], "every plane is readable from a layer"
    for well in ("P24", "K07"):
        assert ask("goto", well=well)["on_screen"] == {"well": well}
        assert [layer.name for layer in model.layers if layer.visible] == [f"Well_{well}"]
        assert len(model.layers) <= _MOST_LAYERS
    assert model.canvas.overlays.text.text == "Well K07"


def test_a_layer_that_was_looked_at_looks_the_same_again(inbox, ask, model):
    for well in WELLS:
        inbox.plane(7, well=well, shape=(8, 8), display=Display(sliced=("well",)))
    ask("goto", well="D01")
    model.layers["Well_D01"].contrast_limits = (2, 3)
    for well in WELLS:
        ask("goto", well=well)
    ask("goto", well="D01")
    assert model.layers["Well_D01"].contrast_limits == [2, 3]


def test_planes_that_come_later_follow(plate, inbox, ask, model):
    ask("display", sliced=["well"])
    inbox.plane(60, well="A01", channel="Cy5", shape=(8, 8))
    assert {layer["name"] for layer in ask("layers")["layers"]} == {f"Well_{well}" for well in WELLS}


def test_an_unseen_layer_can_be_cleared(plate, ask, model, store):
    ask("display", sliced=["well"])
    assert ask("clear")["cleared"] == 48
    assert store.layers == ()
    assert len(model.layers) == 0


@pytest.mark.parametrize(
    ("sliced", "words"), [(["row"], "row: only well, site"), ("well", "expected a list")]
)
def test_what_cannot_be_a_layer(plate, ask, sliced, words):
    assert words in ask("display", sliced=sliced)["error"]


def test_a_plate_of_5000_planes_within_two_seconds(inbox, ask, model):
    plane = np.zeros((8, 8), np.uint16)
    for well in (f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 14)):
        for site in range(6):
            for channel in range(4):
                inbox.plane(plane, well=well, site=site, channel=channel)
    ask("layers")
    for sliced in (["channel", "well"], ["channel"]):
        begin = time.perf_counter()
        ask("display", sliced=sliced)
        ask("layers")
        assert time.perf_counter() - begin < 2.0
    assert len(model.layers) == 4
