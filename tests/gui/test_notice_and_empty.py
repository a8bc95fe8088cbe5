"""What says that something went wrong, and what stands where there is nothing yet."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QToolButton

from platecast.gui._parts._empty import EmptyState
from platecast.gui._parts._marks import COLORS, Mark
from platecast.gui._parts._notice import Notice
from platecast.gui._viewers._picture import Picture
from tests.gui.looks import DARK, contrast, shown_colors


@pytest.fixture
def notice(qtbot):
    notice = Notice()
    qtbot.addWidget(notice)
    return notice


@pytest.mark.parametrize("mark", [Mark.BAD, Mark.WAIT, Mark.NONE])
def test_notice_is_framed_in_the_colour_of_its_mark(notice, mark):
    notice.say("a disk is full", mark)
    assert (notice.text, notice.isVisible()) == ("a disk is full", True)
    assert COLORS[mark] in shown_colors(notice)


def test_notice_is_dismissed_by_key(qtbot, notice):
    notice.say("a disk is full")
    (close,) = notice.findChildren(QToolButton)
    qtbot.keyClick(close, Qt.Key.Key_Space)
    assert (notice.text, notice.isVisible()) == ("", False)


def test_what_a_notice_says_is_no_markup(notice):
    notice.say("<img src=x>")
    assert notice._text.textFormat() is Qt.TextFormat.PlainText


def test_words_can_be_read_in_light_and_dark(qtbot, notice):
    notice.say("a disk is full", Mark.NONE)
    empty = EmptyState("No viewer is running", "One starts by itself.", "Start viewer…")
    picture = Picture("No picture: no answer")
    for widget in (empty, picture):
        qtbot.addWidget(widget)
    for widget in (notice, empty, picture):
        assert contrast(widget) > 100
        before = shown_colors(widget)
        widget.setPalette(DARK)
        assert contrast(widget) > 60
        assert shown_colors(widget) != before


def test_empty_state_asks_by_key_and_says_something_else(qtbot):
    empty = EmptyState("No plate is open", "Open one.", "Open folder…")
    qtbot.addWidget(empty)
    with qtbot.waitSignal(empty.asked):
        qtbot.keyClick(empty.button, Qt.Key.Key_Space)
    empty.say("This plate could not be opened", "It is gone.")
    assert empty.words == "This plate could not be opened\nIt is gone."


def test_empty_state_without_a_button_has_none(qtbot):
    empty = EmptyState("Nothing has been said yet", "Records appear here.")
    qtbot.addWidget(empty)
    empty.show()
    assert not empty.button.isVisible()


def test_picture_that_is_none_shows_its_words(qtbot):
    picture = Picture("Choose a viewer")
    qtbot.addWidget(picture)
    picture.set_png(b"no picture")
    assert picture.picture_size.isEmpty()
    picture.set_text("No picture: no answer")
    assert picture.text == "No picture: no answer"
