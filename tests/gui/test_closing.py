"""The window is closed while images are on their way."""

import pytest

from platecast.config import NapariStreamingConfig
from platecast.gui._images._closing import Closing
from platecast.storage import open_plate
from tests.receiving import viewer_on

WAIT, DROP, CANCEL = "&Wait, then close", "&Drop them and close", "Cancel"


@pytest.fixture
def target(window, plate):
    """Twelve images that wait for a viewer."""
    opened = open_plate(plate)
    target = window.deliveries.expect("Later", NapariStreamingConfig())
    window.deliveries.send(target, opened, opened.images)
    return target


def answer(window, text):
    """Close the window, and answer what it asks."""
    window.close()
    box = window.closing.ask()
    assert "12 images are still on the way" in box.text()
    (button,) = (each for each in box.buttons() if each.text().replace("&", "") == text.replace("&", ""))
    button.click()


def test_window_without_images_on_their_way_closes_at_once(window):
    assert window.closing.ask() is None
    assert window.close()


def test_window_stays_until_the_question_is_answered(window, target):
    assert not window.close()
    box = window.closing.ask()
    assert box.defaultButton().text() == WAIT
    assert not window.close(), "asked once, not twice"
    assert window.closing.ask() is box
    assert window.isVisible()


def test_window_closes_when_the_images_have_arrived(qtbot, window, target, free_port):
    answer(window, WAIT)
    assert window.tabs.currentWidget() is window.images
    assert window.images.notice.text == "This window closes when 12 images have arrived"
    with viewer_on(free_port) as viewer:
        window.deliveries.arrive(target, free_port)
        qtbot.waitUntil(lambda: not window.isVisible())
        assert viewer.ledger().shown == 12


def test_images_may_be_dropped(window, target):
    answer(window, DROP)
    assert not window.isVisible()


def test_window_stays_where_somebody_thinks_better_of_it(qtbot, window, target, free_port):
    answer(window, WAIT)
    answer(window, CANCEL)
    assert window.images.notice.text == ""
    with viewer_on(free_port):
        window.deliveries.arrive(target, free_port)
        qtbot.waitUntil(lambda: target.count.settled)
    assert window.isVisible()


def test_window_stays_where_a_viewer_does_not_come_up(window, target):
    answer(window, WAIT)
    window.deliveries.fail(target, "no room on this machine")
    assert window.isVisible()
    assert "no room on this machine" in window.images.deliveries.texts[0]
    assert window.close(), "nothing would send them"


def test_patience_ends_where_nothing_arrives(qtbot, window, target):
    closing = Closing(window.deliveries, window, patience_ms=1)
    box = closing.ask()
    with qtbot.waitSignal(closing.agreed):
        box.defaultButton().click()
    assert target.count.waiting == 12
