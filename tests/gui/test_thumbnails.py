"""Small pictures: the newest wish first, none that nobody looks at any more."""

import threading

import numpy as np
import pytest

from platecast.components import Components
from platecast.gui._images._thumbnails import SIDE_PX, Failed, Thumbnails, scale
from platecast.storage import PlateImage


def image(number):
    return PlateImage(f"/plate/{number}.tif", Components(well="A01", site=number))


@pytest.fixture
def thumbnails(qapp):
    thumbnails = Thumbnails()
    yield thumbnails
    thumbnails.close()


def test_thumbnail_is_made_and_told(qtbot, thumbnails):
    thumbnails.open(lambda _image: np.full((300, 200), 7, "uint16"), {})
    with qtbot.waitSignal(thumbnails.arrived, timeout=30_000) as told:
        thumbnails.want(image(1))
    assert told.args[0] == [image(1)]
    pixmap = thumbnails.get(image(1))
    assert max(pixmap.width(), pixmap.height()) <= SIDE_PX


@pytest.mark.parametrize("error", [OSError("no such file"), ZeroDivisionError("odd")])
def test_image_that_cannot_be_read_says_why(qtbot, thumbnails, error):
    def fail(_image):
        raise error

    thumbnails.open(fail, {})
    thumbnails.want(image(1))
    qtbot.waitUntil(lambda: thumbnails.get(image(1)) is not None)
    found = thumbnails.get(image(1))
    assert isinstance(found, Failed)
    assert str(error) in found.reason


def test_what_was_scrolled_away_is_not_read_and_the_last_wish_is_granted_first(qtbot, thumbnails):
    begun, release, read = threading.Semaphore(0), threading.Event(), []

    def slow(wanted):
        read.append(wanted.components.site)
        begun.release()
        assert release.wait(60)
        return np.zeros((4, 4), "uint8")

    thumbnails.open(slow, {})
    for number in range(1, 3):  # as many as there are threads
        thumbnails.want(image(number))
        assert begun.acquire(timeout=30)
    for number in range(3, 9):
        thumbnails.want(image(number))
    thumbnails.keep_only([image(4), image(7)])
    assert thumbnails.waiting == 2
    release.set()
    qtbot.waitUntil(lambda: thumbnails.get(image(4)) is not None and thumbnails.get(image(7)) is not None)
    assert sorted(read) == [1, 2, 4, 7]
    assert read[2] == 7


def test_other_plate_forgets_all(qtbot, thumbnails):
    thumbnails.open(lambda _image: np.zeros((4, 4), "uint8"), {})
    thumbnails.want(image(1))
    qtbot.waitUntil(lambda: thumbnails.get(image(1)) is not None)
    thumbnails.open(None, {})
    assert thumbnails.get(image(1)) is None


@pytest.mark.parametrize(
    ("plane", "limits", "expected"),
    [
        (np.array([[0, 50], [100, 200]], "uint16"), (0.0, 100.0), [[0, 127], [255, 255]]),
        (np.array([[np.nan, 1.0]], "float32"), (0.0, 1.0), [[0, 255]]),
        (np.full((2, 2), 9, "uint16"), None, [[0, 0], [0, 0]]),
        (np.full((1, 1, 4), 8, "uint8"), None, [[[8, 8, 8]]]),
    ],
    ids=["limits", "not a number", "one value", "colours"],
)
def test_values_become_grey(plane, limits, expected):
    assert scale(plane, limits).tolist() == expected


def test_large_plane_is_thinned_out():
    assert max(scale(np.zeros((2160, 2160), "uint16"), (0, 1)).shape) <= SIDE_PX


def test_close_does_not_wait_for_an_image_that_does_not_come(qapp):
    thumbnails, begun, release = Thumbnails(), threading.Event(), threading.Event()

    def hang(_image):
        begun.set()
        assert release.wait(60)
        return np.zeros((4, 4), "uint8")

    thumbnails.open(hang, {})
    thumbnails.want(image(1))
    assert begun.wait(30)
    thumbnails.close(0.05)
    release.set()
    for thread in thumbnails._threads:
        thread.join(30)
