"""The tab *Log*: records come, are looked through, copied and saved; the oldest give way."""

import logging
import time

import pytest
from qtpy.QtCore import QSettings, Qt
from qtpy.QtGui import QGuiApplication

from platecast.gui._log._buffer import LogBuffer, LogLine, parse_lines
from platecast.gui._log._page import LogPage
from platecast.gui._log._table import MOST_LINES, LogTable
from platecast.gui._log._tail import LogTail


@pytest.fixture
def buffer(qapp):
    buffer = LogBuffer()
    yield buffer
    buffer.close()


@pytest.fixture
def page(qtbot, buffer):
    page = LogPage(buffer)
    qtbot.addWidget(page)
    page.show()
    return page


def line(text, level=logging.INFO, detail="", source="viewer 5555"):
    return LogLine(0.0, level, source, text, detail)


def shown(page):
    return [page.filter.index(row, 3).data() for row in range(page.filter.rowCount())]


def test_records_of_this_process_come_with_their_traceback(qtbot, page, buffer):
    logger = logging.getLogger("platecast.test_log_page")
    logger.addHandler(buffer)
    try:
        raise OSError("no room")
    except OSError:
        logger.exception("not written\nsee below")
    finally:
        logger.removeHandler(buffer)
    qtbot.waitUntil(lambda: shown(page) == ["not written"])
    page.table.selectRow(0)
    assert page.detail.toPlainText().startswith("not written\nsee below\nTraceback")
    assert page.detail.toPlainText().endswith("OSError: no room")


def test_nothing_was_said_yet(page):
    assert page.empty.isVisible()
    assert "Nothing has been said yet" in page.empty.words


def test_level_and_words_filter(qtbot, page, buffer):
    buffer.put([line("quiet", logging.DEBUG), line("ready"), line("full", logging.ERROR, "on DISK 3")])
    qtbot.waitUntil(lambda: shown(page) == ["ready", "full"])
    page.level.setCurrentIndex(0)
    assert shown(page) == ["quiet", "ready", "full"]
    page.words.setText("disk")
    assert shown(page) == ["full"]
    page.level.setCurrentIndex(3)
    page.words.clear()
    assert shown(page) == ["full"]


def test_key_leads_to_the_words(qtbot, page):
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.focusWidget() is page.words


def test_records_are_copied_saved_and_cleared(qtbot, page, buffer, tmp_path):
    buffer.put([line("ready"), line("full", logging.ERROR, "traceback")])
    qtbot.waitUntil(lambda: len(shown(page)) == 2)
    page._copy()
    text = QGuiApplication.clipboard().text()
    assert text.endswith("INFO viewer 5555: ready\n" + text.splitlines()[1] + "\ntraceback\n")
    file = tmp_path / "platecast.log"
    page.save(str(file))
    assert file.read_text() == page.text() == text
    page._clear()
    assert (shown(page), page.empty.isVisible()) == ([], True)


def test_file_that_cannot_be_written_is_said(page, tmp_path):
    page.save(str(tmp_path / "nowhere" / "platecast.log"))
    assert "could not be written: No such file or directory" in page.notice.text


def test_oldest_records_give_way(qapp):
    table = LogTable()
    table.add([line(f"{number}") for number in range(MOST_LINES)])
    table.add([line("last")])
    assert table.rowCount() <= MOST_LINES
    assert table.line_at(table.rowCount() - 1).text == "last"
    assert int(table.line_at(0).text) >= 1


def test_layout_is_remembered(qtbot, page, buffer, tmp_path):
    page.resize(700, 500)
    page._splitter.setSizes([200, 250])
    settings = QSettings(str(tmp_path / "log.ini"), QSettings.Format.IniFormat)
    for name, state in page.save_state().items():
        settings.setValue(name, state)
    again = LogPage(buffer)
    qtbot.addWidget(again)
    again.resize(700, 500)
    again.restore_state({name: settings.value(name) for name in page.save_state()})
    again.show()
    assert again._splitter.sizes() == page._splitter.sizes()


class InThisThread:
    """Does the work of a `Background` at once."""

    def run(self, work, done, failed=None):
        try:
            result = work(None)
        except OSError as error:
            failed(str(error))
        else:
            done(result)


def test_file_is_followed_by_whole_lines(qtbot, buffer, tmp_path):
    path = tmp_path / "viewer-5555.log"
    path.write_text("2026-03-01 14:05:09,120 INFO napari: ready\n2026-03-01 14:05:10,0")
    tail = LogTail(InThisThread(), buffer)
    got = []
    buffer.came.connect(lambda: got.extend(buffer.take()))
    tail.follow(path, "viewer 5555")
    qtbot.waitUntil(lambda: [each.text for each in got] == ["ready"])
    with path.open("a") as file:
        file.write("00 ERROR napari: no GL\n  at last\n")
    qtbot.waitUntil(lambda: len(got) == 2)
    assert (got[1].level, got[1].text, got[1].detail) == (logging.ERROR, "no GL", "  at last")
    # The viewer after this one begins anew.
    path.write_text("2026-03-01 14:06:00,000 INFO napari: again\n")
    qtbot.waitUntil(lambda: got[-1].text == "again")
    tail.close()


def test_lines_without_a_record_stand_for_themselves():
    before = time.time()
    (found,) = parse_lines("Segmentation fault\n", "viewer 5555")
    assert (found.text, found.source) == ("Segmentation fault", "viewer 5555")
    assert found.time_s >= before
