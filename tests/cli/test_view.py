"""`platecast view`: only headers travel, and what cannot be read says so."""

import os
import signal
import threading

import numpy as np
import pytest

from platecast.cli._interrupts import Interrupts
from platecast.layers import HeldPlane
from platecast.storage import open_plate
from platecast.stream import _plate
from platecast.stream._links import links
from tests.receiving import viewer_on
from tests.waiting import wait_until

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")

SHAPE = (30, 40)


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.full(SHAPE, value, "uint16"), photometric="minisblack")


@pytest.fixture
def plate(tmp_path):
    folder = tmp_path / "plate"
    names = (
        f"P1_{well}_s{site}_w{channel}.TIF"
        for well in ("A01", "B02", "B03")
        for site in (1, 2)
        for channel in (1, 2)
    )
    for value, name in enumerate(names):
        write(folder / name, value)
    return folder


@pytest.fixture
def viewer(free_port):
    with viewer_on(free_port) as viewer:
        yield viewer
        links.close_all()


def said(done):
    return " ".join(done.errors.split())


def components(viewer, *names):
    return sorted(
        tuple(getattr(arrival.plane.components, name) for name in names) for arrival in viewer.planes
    )


def test_headers_travel_and_pixels_rest(platecast, viewer, plate):
    done = platecast("view", plate, "--port", viewer.port)
    assert (done.status, done.errors.strip()) == (0, "")
    assert done.out.startswith(f"12 of 12 images are shown in the viewer on port {viewer.port}")
    assert all(isinstance(arrival.array, HeldPlane) for arrival in viewer.planes)
    assert {arrival.array.shape for arrival in viewer.planes} == {SHAPE}
    for arrival, image in zip(viewer.planes, open_plate(plate).images, strict=True):
        assert arrival.plane.components == image.components
        assert np.array_equal(arrival.array.pixels(), tifffile.imread(image.path))
    (layout,) = viewer.layouts
    assert (layout.plate, layout.well) == ("P1", ("A01", "B02", "B03"))


def test_contrast_comes_from_planes_all_over_the_plate(platecast, viewer, tmp_path):
    for number in range(1, 13):
        write(tmp_path / "p" / f"P1_A{number:02d}_s1_w1.TIF", 100 * number)
    platecast("view", tmp_path / "p", "--port", viewer.port)
    assert {arrival.contrast for arrival in viewer.planes} == {(100.0, 1200.0)}


def test_relative_path_means_the_same_in_the_viewer(platecast, viewer, plate, monkeypatch):
    monkeypatch.chdir(plate.parent)
    assert platecast("view", "plate", "--port", viewer.port).status == 0
    monkeypatch.chdir("/")
    assert viewer.planes[0].array.pixels().shape == SHAPE


FILTERS = {
    "one well": (["--well", "b2"], {("B02", 1), ("B02", 2)}),
    "a row": (["--well", "B*"], {("B02", 1), ("B02", 2), ("B03", 1), ("B03", 2)}),
    "a channel of two wells": (
        ["--well", "A01", "--well", "B03", "--channel", "2"],
        {("A01", 2), ("B03", 2)},
    ),
    "a site": (["--site", "1", "--channel", "1"], {("A01", 1), ("B02", 1), ("B03", 1)}),
}


@pytest.mark.parametrize(("options", "expected"), FILTERS.values(), ids=FILTERS)
def test_part_of_a_plate(platecast, viewer, plate, options, expected):
    assert platecast("view", plate, "--port", viewer.port, *options).status == 0
    assert set(components(viewer, "well", "channel")) == expected
    (layout,) = viewer.layouts
    assert set(layout.well) == {well for well, _ in expected}, "the sliders offer what is there"


REFUSED = {
    "no such folder": (["nowhere"], "nowhere could not be opened: No such file or directory"),
    "no plate": (["empty"], "no image whose name is known in empty"),
    "files of no kind we know": (["odd"], "their names are of no kind we know, such as x.tif"),
    "absent well": (["plate", "--well", "H12"], "has no well H12: it has A01, B02, B03"),
    "absent row": (["plate", "--well", "C*"], "has no well C*: it has A01, B02, B03"),
    "absent channel": (["plate", "--channel", "DAPI"], "has no channel DAPI: it has 1, 2"),
    "nothing of both": (["uneven", "--well", "A01", "--channel", "2"], "none of all of them together"),
    "no steps": (["plate", "--step", "1"], "holds no results of steps"),
    "absent step": (["run", "--step", "blurr"], "has no step blurr: it has 0 (raw), 1 (blur)"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_shown(platecast, plate, tmp_path, monkeypatch, free_port, arguments, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "odd" / "x.tif", 1)
    write(tmp_path / "uneven" / "P1_A01_s1_w1.TIF", 1)
    write(tmp_path / "uneven" / "P1_A02_s1_w2.TIF", 1)
    for step in ("Step_00_raw", "Step_01_blur"):
        write(tmp_path / "run" / "results" / step / "well-A01_channel-1.tif", 1)
    done = platecast("view", "--port", free_port, *arguments)
    assert done.status == 1
    assert reason in said(done)


def test_steps_of_a_run_are_steps(platecast, viewer, tmp_path):
    for step in ("Step_00_raw", "Step_01_blur", "Step_02_sharpen"):
        write(tmp_path / "results" / step / "well-A01_channel-1.tif", 1)
    assert platecast("view", tmp_path, "--port", viewer.port, "--step", "blur", "--step", "2").status == 0
    assert [(step.index, step.name) for step in (each.plane.step for each in viewer.planes)] == [
        (1, "blur"),
        (2, "sharpen"),
    ]


def test_images_that_cannot_be_read_fail_with_their_reason_and_the_rest_opens(platecast, viewer, plate):
    (plate / "P1_B02_s2_w1.TIF").write_bytes(b"no image at all")
    whole = (plate / "P1_B03_s1_w2.TIF").read_bytes()
    (plate / "P1_B03_s1_w2.TIF").write_bytes(whole[:-100])
    done = platecast("view", plate, "--port", viewer.port)
    assert done.status == 1
    assert "10 of 12 images are shown" in done.out
    assert "P1_B02_s2_w1.TIF could not be read: it is no TIFF file" in said(done)
    assert f"P1_B03_s1_w2.TIF could not be read: it ends after {len(whole) - 100} bytes, too early" in said(
        done
    )
    ledger = viewer.ledger()
    assert (ledger.sent, ledger.shown, ledger.failed) == (12, 10, 2)
    assert [failure.plane.components.well for failure in viewer.failures] == ["B02", "B03"]
    assert "it is no TIFF file" in viewer.failures[0].reason


@pytest.fixture
def slow_window(free_port):
    """Give a viewer whose window is not there yet: it takes what waits when it is told to."""
    with viewer_on(free_port, takes=False) as viewer:
        yield viewer
        links.close_all()


@pytest.fixture
def meanwhile():
    """Return a function that runs another in a thread while a command runs."""
    threads = []

    def begin(function):
        threads.append(threading.Thread(target=function))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join()


def test_interrupted_while_the_window_starts_waits_for_what_was_sent(
    platecast, slow_window, plate, meanwhile
):
    def interrupt():
        wait_until(lambda: slow_window.planes_waiting() == 12, "the headers wait for the window", 20)
        os.kill(os.getpid(), signal.SIGINT)
        slow_window.show(slow_window.take_all())

    meanwhile(interrupt)
    done = platecast("view", plate, "--port", slow_window.port)
    assert done.status == 130
    assert f"stopped: 12 of 12 images are shown in the viewer on port {slow_window.port}" in said(done)
    assert slow_window.ledger().pending == 0


def test_interrupted_twice_says_what_is_lost(platecast, slow_window, plate, meanwhile, monkeypatch):
    noted = threading.Event()
    note = Interrupts._note

    def note_and_tell(self, number, frame):
        noted.set()
        note(self, number, frame)

    def interrupt():
        wait_until(lambda: slow_window.planes_waiting() == 12, "the headers wait for the window", 20)
        slow_window.show(slow_window.take_all()[:5])
        wait_until(lambda: slow_window.ledger().shown == 5, "some are shown", 20)
        os.kill(os.getpid(), signal.SIGINT)
        assert noted.wait(20)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Interrupts, "_note", note_and_tell)
    meanwhile(interrupt)
    done = platecast("view", plate, "--port", slow_window.port)
    assert done.status == 130
    assert "7 were on their way and are lost" in said(done)
    assert "stopped: 5 of 12 images are shown" in said(done)


def test_interrupted_while_headers_are_read_sends_no_more(platecast, viewer, plate, monkeypatch):
    read = _plate.read_headers

    def interrupted(*arguments):
        for number, found in enumerate(read(*arguments)):
            if number == 4:
                os.kill(os.getpid(), signal.SIGINT)
            yield found

    monkeypatch.setattr(_plate, "read_headers", interrupted)
    done = platecast("view", plate, "--port", viewer.port)
    assert done.status == 130
    assert f"stopped: 4 of 12 images are shown in the viewer on port {viewer.port}, 8 were not sent" in said(
        done
    )
    assert viewer.ledger().shown == 4
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
