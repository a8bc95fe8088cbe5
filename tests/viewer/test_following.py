"""The sliders go to the newest plane, and leave a user alone who is busy with them."""

import numpy as np
import pytest

from platecast.config import Display, NapariDisplayConfig
from platecast.viewer._session._following import HOLD_S, Following
from platecast.viewer._session._session import Session

FOLLOW = Display(follow_newest=True)


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def following(clock):
    return Following(clock=lambda: clock[0])


@pytest.fixture
def window(qtbot, inbox, store, napari_canvas, following):
    """Return a session over napari's model, and a function that lets everything come in."""
    napari_canvas.on_touched = following.touch
    session = Session(inbox, store, napari_canvas, following=following)

    def run():
        session.start()
        session.wake()
        qtbot.waitUntil(lambda: not inbox.waiting and len(inbox.outcomes) == inbox.sent)
        session._refresh_now()

    yield run
    session.stop()


@pytest.fixture
def text(model):
    return lambda: model.canvas.overlays.text.text


def test_off_unless_asked(inbox, window, text):
    for well in ("A01", "B02"):
        inbox.plane(well=well)
    window()
    assert text() == "Well A01"


def test_the_newest_is_on_screen(inbox, window, text, model):
    for well in ("A01", "H12", "B02"):
        inbox.plane(well=well, z_index=1, display=FOLLOW)
    window()
    assert text() == "Well B02 · Z 1"
    inbox.plane(well="A01", z_index=7, display=FOLLOW)
    window()
    assert text() == "Well A01 · Z 7"
    assert (np.asarray(model.layers[0]._slice.image.raw) == 1).all()


def test_a_user_who_moved_is_left_alone(inbox, window, text, model, clock):
    for well in ("A01", "B02"):
        inbox.plane(well=well, display=FOLLOW)
    window()
    model.dims.set_current_step(0, 0)
    inbox.plane(well="C03", display=FOLLOW)
    window()
    assert text() == "Well A01"
    clock[0] += HOLD_S - 0.1
    inbox.plane(well="D04", display=FOLLOW)
    window()
    assert text() == "Well A01"
    clock[0] += 0.2
    window()
    assert text() == "Well A01", "only what comes from now on is gone to"
    inbox.plane(well="E05", display=FOLLOW)
    window()
    assert text() == "Well E05"


def test_going_to_a_well_is_moving(inbox, window, text, napari_canvas):
    for well in ("A01", "B02"):
        inbox.plane(well=well, display=FOLLOW)
    window()
    napari_canvas.go_to({"well": "A01"})
    inbox.plane(well="C03", display=FOLLOW)
    window()
    assert text() == "Well A01"


def test_not_while_dragging(inbox, store, napari_canvas, qtbot, text):
    held = [True]
    session = Session(inbox, store, napari_canvas, following=Following(lambda: held[0]))
    for well in ("A01", "B02"):
        inbox.plane(well=well, display=FOLLOW)
    session.start()
    qtbot.waitUntil(lambda: len(inbox.outcomes) == 2)
    session._refresh_now()
    assert text() == "Well A01"
    held[0] = False
    inbox.plane(well="C03", display=FOLLOW)
    session.wake()
    qtbot.waitUntil(lambda: text() == "Well C03")
    session.stop()


def test_planes_of_a_hidden_layer_are_not_gone_to(inbox, window, text, model):
    inbox.plane(well="A01", channel="DAPI", display=FOLLOW)
    inbox.plane(well="A01", channel="GFP", display=FOLLOW)
    window()
    model.layers["Channel_GFP"].visible = False
    inbox.plane(well="B02", channel="GFP", display=FOLLOW)
    window()
    assert text() == "Well A01"
    inbox.plane(well="B02", channel="DAPI", display=FOLLOW)
    window()
    assert text() == "Well B02"


def test_wells_that_are_layers(inbox, window, text, model):
    display = Display(sliced=("well",), follow_newest=True)
    for well in ("A01", "B02"):
        inbox.plane(well=well, site=1, display=display)
    window()
    assert text() == "Well B02 · Site 1"
    assert [layer.name for layer in model.layers if layer.visible] == ["Well_B02"]


@pytest.mark.parametrize(
    ("chosen", "is_asked", "expected"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_the_window_has_the_last_word(following, store, chosen, is_asked, expected):
    following.chosen = chosen
    following.note(None, (), is_asked=is_asked)
    assert following.is_on is expected
    assert (following.newest is not None) is expected


def test_the_setting_travels():
    assert NapariDisplayConfig(follow_newest=True).resolve().follow_newest
    assert not NapariDisplayConfig().resolve().follow_newest
