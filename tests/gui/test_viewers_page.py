"""The tab *Viewers* with viewers that answer as real ones do."""

import pytest
from qtpy.QtCore import QBuffer
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QMessageBox

from platecast.gui._viewers import _viewers_page as page_module
from platecast.manager import ViewerInfo
from tests.gui.test_viewer_table import viewer
from tests.receiving import viewer_on


def png():
    content = QBuffer()
    content.open(QBuffer.OpenModeFlag.WriteOnly)
    QImage(2, 3, QImage.Format.Format_RGB888).save(content, "PNG")
    return bytes(content.data())


@pytest.fixture
def page(window, monkeypatch):
    # A viewer of which only the status is made up would be asked for a picture for 10 s.
    monkeypatch.setattr(page_module, "take_screenshot", lambda endpoint, stop: png())
    return window.viewers


def test_viewer_appears_and_goes_by_itself(qtbot, window, page, free_port):
    with viewer_on(free_port) as found:
        found.receiver.beat()
        qtbot.waitUntil(lambda: page.chosen is not None and page.chosen.state in ("ready", "busy"))
        assert page.chosen.endpoint.port == free_port
        qtbot.waitUntil(lambda: "1 viewer" in window._summary.text())
        assert [action.isEnabled() for action in page.actions_of_a_viewer] == [True] * 4
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    assert "No viewer is running" in page.empty.words
    assert page.empty.isVisible()


def test_choice_stays_while_viewers_change(page):
    page.apply(tuple(viewer(port) for port in (5555, 5557, 5559)))
    page.choose(5557)
    page.apply((viewer(5555, "gone"), viewer(5557, "busy", shown=3), viewer(5561)))
    assert (page.chosen.endpoint.port, page.chosen.state) == (5557, "busy")


def test_window_is_brought_to_the_front(qtbot, page, free_port):
    with viewer_on(free_port) as found:
        qtbot.waitUntil(lambda: page.chosen is not None)
        page.raise_action.trigger()
        qtbot.waitUntil(lambda: "raise" in [each.name for each in found.commands])


def test_viewer_is_asked_to_quit(qtbot, page, monkeypatch):
    asked = []
    monkeypatch.setattr(page_module, "quit_viewer", lambda endpoint, timeout_s, stop: asked.append(endpoint))
    page.apply((viewer(5555),))
    page.quit_action.trigger()
    qtbot.waitUntil(lambda: asked == [page.chosen.endpoint])


def test_picture_of_the_chosen_viewer(qtbot, page):
    page.apply((viewer(5555),))
    qtbot.waitUntil(lambda: page.picture.picture_size.width() == 2)


def test_picture_that_cannot_be_taken_says_why(qtbot, page, monkeypatch):
    def fail(endpoint, stop):
        raise OSError("no answer")

    monkeypatch.setattr(page_module, "take_screenshot", fail)
    page.apply((viewer(5555),))
    qtbot.waitUntil(lambda: page.picture.text == "No picture: no answer")


def test_no_picture_of_a_viewer_that_is_busy(qtbot, page, monkeypatch):
    asked = []
    monkeypatch.setattr(page_module, "take_screenshot", lambda endpoint, stop: asked.append(endpoint))
    page.apply((viewer(5555, "busy"),))
    qtbot.waitUntil(lambda: "is busy" in page.picture.text)
    assert asked == []


def test_no_picture_while_nobody_looks(qtbot, window, page, monkeypatch):
    asked = []
    monkeypatch.setattr(
        page_module, "take_screenshot", lambda endpoint, stop: asked.append(endpoint) or png()
    )
    window.tabs.setCurrentWidget(window.images)
    page.apply((viewer(5555),))
    qtbot.waitUntil(lambda: not page._delay.isActive())
    assert asked == []
    window.tabs.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.picture.picture_size.width() == 2)
    assert [each.port for each in asked] == [5555]


def test_force_is_confirmed(qtbot, page, monkeypatch):
    killed = []
    monkeypatch.setattr(page_module, "kill_viewer", killed.append)
    page.apply((viewer(5555),))
    for button, expected in (("Cancel", []), ("End by force", [page.chosen.endpoint])):
        page.kill_action.trigger()
        (box,) = page.findChildren(QMessageBox)
        assert "port 5555" in box.text()
        assert box.defaultButton().text().replace("&", "") == "Cancel"
        next(each for each in box.buttons() if each.text().replace("&", "") == button).click()
        qtbot.waitUntil(lambda: not page.findChildren(QMessageBox))
        qtbot.waitUntil(lambda expected=expected: killed == expected)


def test_failure_is_said_and_dismissed(qtbot, page, monkeypatch):
    def fail(endpoint, timeout_s, stop):
        raise ConnectionError("no answer")

    monkeypatch.setattr(page_module, "quit_viewer", fail)
    page.apply((viewer(5555),))
    page.quit_action.trigger()
    qtbot.waitUntil(lambda: page.notice.text == "The viewer on port 5555 did not quit: no answer")
    page.notice.clear()
    assert not page.notice.isVisible()


def test_a_hundred_viewers(page):
    page.apply(tuple(ViewerInfo(viewer(port).endpoint, "starting") for port in range(5000, 5100)))
    for shown in range(20):
        page.apply(tuple(viewer(port, shown=shown) for port in range(5000, 5100)))
    assert page.model.rowCount() == 100
