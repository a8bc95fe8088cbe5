import gc
import threading
import weakref

import numpy as np
import pytest

from platecast.components import Kind, PlateLayout
from platecast.layers import Shelf
from platecast.viewer._session._session import Session


@pytest.fixture
def session(qapp, inbox, store, recording_canvas):
    session = Session(inbox, store, recording_canvas)
    yield session
    session.stop()


@pytest.fixture
def run(qtbot, session, inbox):
    """Return a function that runs the loop until the inbox is empty and all its planes are settled."""

    def run(*answers):
        session.start()
        session.wake()
        qtbot.waitUntil(lambda: not inbox.waiting and len(inbox.outcomes) == inbox.sent and all(answers))

    return run


def test_planes_are_filed_and_settled(inbox, run, store, recording_canvas):
    for well in ("A01", "B02"):
        for channel in ("DAPI", "GFP"):
            inbox.plane(well=well, channel=channel)
    run()
    assert inbox.outcomes == dict.fromkeys(range(1, 5))
    assert recording_canvas.asked("add") == [("add", "Channel_DAPI"), ("add", "Channel_GFP")]
    assert [len(layer.stack.indices) for layer in store.layers] == [2, 2]


def test_one_new_layer_a_turn(inbox, session, recording_canvas):
    for channel in range(3):
        inbox.plane(channel=channel)
    for turn in range(1, 4):
        session._turn()
        assert len(recording_canvas.asked("add")) == turn
        assert len(inbox.outcomes) == turn, "a plane is settled when its layer is there, not before"


def test_failure_is_settled_with_its_reason_and_withdraws_what_was_there(
    inbox, run, session, store, recording_canvas
):
    shown = [inbox.plane(well=well, shape=(4, 6), dtype="uint8") for well in ("A01", "B02")]
    run()
    recording_canvas.calls.clear()
    failed = [inbox.failure("disk is gone", well=well) for well in ("A01", "C03")]
    run()
    assert {number: inbox.outcomes[number] for number in failed} == dict.fromkeys(failed, "disk is gone")
    assert inbox.superseded == shown[:1]
    (layer,) = store.layers
    assert layer.stack.indices == (("B02",),)
    session._refresh_now()
    assert recording_canvas.asked("refresh") == [("refresh", "Image")]


def test_plane_that_cannot_be_read_when_it_is_looked_at_fails(inbox, run, session, store, recording_canvas):
    def load(address):
        raise FileNotFoundError(f"{address} has gone")

    shelf = Shelf(load)
    for well in ("A01", "B02"):
        inbox.plane(shelf.plane(f"disk:{well}.tif", (4, 6), "uint8"), contrast=(0.0, 9.0), well=well)
    run()
    assert inbox.outcomes == {1: None, 2: None}
    (layer,) = store.layers
    assert layer.stack[1, 0, 0, 0, 0].max() == 0
    session._turn()
    assert inbox.outcomes[2] == "disk:B02.tif has gone"
    assert layer.stack.indices == (("A01",),)
    assert ("refresh", layer.name) in recording_canvas.asked("refresh") or layer in session._filing.dirty


@pytest.fixture
def spoilt(qtbot, inbox, run, session, store):
    """Return a function that has a plane at B02 which cannot be read, and the files that are there."""

    def look():
        inbox.plane(Shelf(load).plane("disk:B02.tif", (4, 6), "uint8"), contrast=(0.0, 9.0), well="B02")
        run()
        (layer,) = store.layers
        assert layer.stack[0, 0, 0, 0, 0].max() == 0
        session._turn()
        assert inbox.outcomes == {1: "disk:B02.tif has gone"}
        return layer, files

    files: dict[str, np.ndarray] = {}
    loads: list[str] = []

    def load(address):
        loads.append(address)
        if address not in files:
            raise FileNotFoundError(f"{address} has gone")
        return files[address]

    look.loads = loads
    return look


def test_plane_that_could_not_be_read_is_read_again_once_it_can(
    qtbot, inbox, session, store, recording_canvas, spoilt, monkeypatch
):
    monkeypatch.setattr("platecast.viewer._session._unreadable.AGAIN_S", 0.0)
    layer, files = spoilt()
    recording_canvas.calls.clear()
    files["disk:B02.tif"] = np.full((4, 6), 7, "uint8")
    qtbot.waitUntil(lambda: inbox.outcomes == {1: None})
    assert layer.stack[0, 0, 0, 0, 0].max() == 7
    qtbot.waitUntil(lambda: ("refresh", layer.name) in recording_canvas.asked("refresh"))
    assert store.loss(layer, ("B02",)) is None
    assert inbox.ledger().shown == 1


def test_plane_that_cannot_be_read_is_tried_now_and_then_and_only_on_screen(
    qtbot, inbox, session, recording_canvas, spoilt
):
    spoilt()
    unreadable, now_s = session._unreadable, 0.0
    unreadable._clock = lambda: now_s
    (plane,) = unreadable._spoilt.values()
    plane.tried_s = 0.0

    def attempts_at(second):
        nonlocal now_s
        now_s = second
        session._beat()
        qtbot.waitUntil(lambda: not plane.is_being_read)
        return len(spoilt.loads) - 1

    assert attempts_at(2.9) == 0, "not at once"
    assert attempts_at(3.0) == 1
    assert attempts_at(8.9) == 1, "and then later each time"
    assert attempts_at(9.0) == 2
    recording_canvas.values = {"well": "C03"}
    assert attempts_at(100.0) == 2, "nobody looks"
    recording_canvas.values = {"well": "B02"}
    assert attempts_at(100.5) == 3, "somebody has come back"


def test_plane_that_came_again_and_failed_again_is_not_forgotten(
    qtbot, inbox, run, session, spoilt, monkeypatch
):
    """The first one is read at last just then."""
    layer, files = spoilt()
    (first,) = session._unreadable._spoilt.values()
    inbox.plane(first.held, contrast=(0.0, 9.0), well="B02")
    run()
    assert layer.stack[0, 0, 0, 0, 0].max() == 0
    session._turn()
    (second,) = session._unreadable._spoilt.values()
    assert second is not first
    session._unreadable._recovered.append(first)
    session._turn()
    assert list(session._unreadable._spoilt.values()) == [second]
    monkeypatch.setattr(session._unreadable, "_clock", lambda: 1e9)
    files["disk:B02.tif"] = np.full((4, 6), 7, "uint8")
    qtbot.waitUntil(lambda: layer.stack[0, 0, 0, 0, 0].max() == 7)


def test_plane_that_came_again_is_not_read_a_second_time(qtbot, inbox, run, session, spoilt, monkeypatch):
    layer, _ = spoilt()
    inbox.plane(5, shape=(4, 6), dtype="uint8", well="B02")
    run()
    monkeypatch.setattr(session._unreadable, "_clock", lambda: 1e9)
    session._beat()
    assert not session._unreadable._spoilt
    assert len(spoilt.loads) == 1
    assert layer.stack[0, 0, 0, 0, 0].max() == 5


def test_axes_are_followed_once_a_turn(inbox, session, recording_canvas):
    inbox.plane(well="A01")
    session._turn()
    recording_canvas.calls.clear()
    for well in ("B01", "C01", "D01"):
        inbox.plane(well=well)
    session._turn()
    assert recording_canvas.asked("axes") == [("axes",)]


def test_only_what_is_on_screen_is_refreshed(inbox, run, session, recording_canvas):
    inbox.plane(well="A01")
    run()
    recording_canvas.calls.clear()
    inbox.plane(well="B02")
    run()
    assert recording_canvas.asked("refresh") == []
    for _ in range(5):
        inbox.plane(well="A01")
    session._turn()
    session._refresh_now()
    assert recording_canvas.asked("refresh") == [("refresh", "Image")]


def test_a_layer_is_refreshed_once_a_frame(qtbot, inbox, store, recording_canvas):
    now = [0.0]
    session = Session(inbox, store, recording_canvas, clock=lambda: now[0] / 1000)

    def turn_at(now_ms):
        now[0] = now_ms
        inbox.plane(well="A01")
        # The clock stands still inside a turn, so that it ends when the inbox is empty.
        session._turn()
        return len(recording_canvas.asked("refresh"))

    assert turn_at(1000) == 0, "a new layer is drawn by being added"
    assert turn_at(1001) == 1, "the first is drawn at once"
    assert turn_at(1005) == 1
    assert turn_at(1010) == 1
    qtbot.waitUntil(lambda: len(recording_canvas.asked("refresh")) == 2)
    session.stop()


def test_layers_that_take_long_to_draw_are_refreshed_less_often(inbox, store, recording_canvas):
    now = [10.0]
    session = Session(inbox, store, recording_canvas, clock=lambda: now[0])

    def refreshed(after_s):
        now[0] += after_s
        inbox.plane(well="A01")
        session._turn()
        return len(recording_canvas.asked("refresh"))

    refreshed(0.0)
    assert refreshed(0.0) == 1, "the first is drawn at once"
    now[0] += 0.050
    session.painted()
    assert refreshed(0.100) == 1, "others have the processors for three times as long as that took"
    assert refreshed(0.051) == 2
    session.stop()


def test_a_picture_that_others_cause_puts_off_nothing(inbox, store, recording_canvas):
    now = [10.0]
    session = Session(inbox, store, recording_canvas, clock=lambda: now[0])
    inbox.plane(well="A01")
    session._turn()
    session._refresh_now()
    now[0] += 5.0
    session.painted()
    inbox.plane(well="A01")
    session._turn()
    assert len(recording_canvas.asked("refresh")) == 1, "nothing had been drawn, so nothing was to rest from"
    session.stop()


def test_a_turn_ends_when_its_time_is_spent(inbox, store, recording_canvas):
    now = [0.0]

    def clock():
        now[0] += 0.001
        return now[0]

    session = Session(inbox, store, recording_canvas, clock=clock)
    for z in range(100):
        inbox.plane(z_index=z)
    session._turn()
    assert 1 <= len(inbox.outcomes) <= 7
    session.stop()


def test_superseded_planes_are_reported(inbox, run):
    first, second = inbox.plane(1, well="A01"), inbox.plane(2, well="A01")
    run()
    assert inbox.superseded == [first]
    inbox.plane(3, well="A01")
    run()
    assert inbox.superseded == [first, second]


def test_a_superseded_planes_memory_is_let_go(inbox, run):
    array = np.zeros((16, 16), np.uint16)
    gone = weakref.ref(array)
    inbox.plane(array, well="A01")
    del array
    run()
    assert gone() is not None
    inbox.plane(2, well="A01")
    run()
    gc.collect()
    assert gone() is None


def test_a_plane_that_cannot_be_shown_fails_alone(inbox, run):
    good, bad, other = (
        inbox.plane(well="A01"),
        inbox.plane(kind=Kind.POINTS, well="A01"),
        inbox.plane(well="A02"),
    )
    run()
    assert inbox.outcomes[bad].startswith("points are no pixels")
    assert inbox.outcomes[good] is inbox.outcomes[other] is None


def test_a_layer_that_cannot_be_made_fails_its_planes(inbox, run, store, recording_canvas, caplog):
    recording_canvas.fails_on.add("Channel_1")
    first, second = inbox.plane(channel=1, well="A01"), inbox.plane(channel=1, well="A02")
    good = inbox.plane(channel=2)
    run()
    assert inbox.outcomes[first] == inbox.outcomes[second] == "its layer could not be shown: no more widgets"
    assert inbox.outcomes[good] is None
    assert [layer.name for layer in store.layers] == ["Channel_2"]
    assert "no more widgets" in caplog.text


def test_a_projection_is_renamed(inbox, run, recording_canvas):
    inbox.plane(channel=1)
    inbox.plane(channel=1, z_index=0)
    run()
    assert set(recording_canvas.names()) == {"Channel_1", "Channel_1_projection"}


def test_layouts_are_announced(inbox, run, store):
    inbox.waiting.append(PlateLayout(well=("A01", "A02")))
    inbox.plane(well="A02")
    run()
    assert store.axes.values("well") == ("A01", "A02")


def test_commands_see_what_came_before_them(inbox, run):
    for channel in range(4):
        inbox.plane(channel=channel)
    answers = inbox.command("layers")
    run(answers)
    assert [layer["name"] for layer in answers[0][0]["layers"]] == [f"Channel_{n}" for n in range(4)]


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [("dance", {}, "unknown command"), ("read", {"layer": "x"}, "no layer 'x'"), ("goto", {"well": 1}, "")],
)
def test_a_failed_command_answers_an_error(inbox, run, name, args, words):
    answers = inbox.command(name, **args)
    run(answers)
    assert words in answers[0][0]["error"]


def test_clear(inbox, run, store, recording_canvas):
    inbox.plane(well="A01")
    answers = inbox.command("clear")
    run(answers)
    assert answers == [({"cleared": 1, "planes": 1, "freed_mb": 16 * 16 * 2 / 1e6}, [])]
    assert store.layers == ()
    inbox.plane(well="B01")
    run()
    assert recording_canvas.values_on_screen()["well"] == "B01"


def test_quit_answers_then_closes(qtbot, inbox, session, recording_canvas):
    answers = inbox.command("quit")
    inbox.command("layers")
    session.start()
    qtbot.waitUntil(lambda: ("close",) in recording_canvas.calls)
    assert answers == [({"quitting": True}, [])]
    assert len(inbox.waiting) == 1, "nothing is taken after a quit"


def test_wakes_from_any_thread_are_coalesced(qtbot, inbox, session):
    session.start()
    qtbot.waitUntil(lambda: inbox.beats > 1)
    beats = inbox.beats

    def receive():
        for z in range(50):
            inbox.plane(z_index=z)
            session.wake()

    receiver = threading.Thread(target=receive)
    receiver.start()
    receiver.join()
    qtbot.waitUntil(lambda: len(inbox.outcomes) == 50)
    assert inbox.beats - beats < 25


def test_beats_while_idle(qtbot, inbox, session):
    session.start()
    qtbot.waitUntil(lambda: inbox.beats >= 4)


def test_nothing_happens_after_stop(qtbot, inbox, session):
    session.start()
    session.stop()
    inbox.plane(well="A01")
    session.wake()
    qtbot.waitUntil(lambda: not session._is_awake)
    assert inbox.outcomes == {}
