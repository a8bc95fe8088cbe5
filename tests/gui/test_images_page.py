"""The tab *Images*: a plate is opened, narrowed down and sent."""

import pytest
from qtpy.QtCore import QItemSelectionModel, Qt

from platecast.config import NapariStreamingConfig
from platecast.gui._images import _starts as starts_module
from platecast.gui._viewers._start_dialog import StartRequest
from platecast.wire import read_endpoint
from tests.gui.conftest import write_plate
from tests.gui.test_viewer_table import viewer
from tests.receiving import viewer_on
from tests.waiting import wait_until


@pytest.fixture
def page(qtbot, window, plate):
    window.tabs.setCurrentWidget(window.images)
    window.images.open(str(plate))
    qtbot.waitUntil(lambda: window.images.model.rowCount() == 12)
    return window.images


def test_thumbnails_are_read(qtbot, page):
    images = page.model.images
    qtbot.waitUntil(lambda: all(page.thumbnails.get(image) is not None for image in images))
    assert page.model.index(0).data() == "A01 · s1 · 1"


def test_plate_is_narrowed_down(qtbot, page):
    page.filter.grid.choose(["A01", "B02"])
    qtbot.waitUntil(lambda: page.model.rowCount() == 8)
    page.filter.lists["channel"].choose([2])
    qtbot.waitUntil(lambda: page.model.rowCount() == 4)
    assert page.count_text.text() == "4 of 12 images"
    page.filter.lists["site"].choose([])
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    assert not page.send_button.isEnabled()


def test_selection_is_what_is_sent(page):
    assert page.send_button.text() == "&Send all 12"
    model = page.sheet.selectionModel()
    for row in (3, 5):
        model.select(page.model.index(row), QItemSelectionModel.SelectionFlag.Select)
    assert page.send_button.text() == "&Send 2 selected"
    assert page.images == (page.model.images[3], page.model.images[5])


@pytest.mark.parametrize("make", [lambda folder: folder / "nothing", lambda folder: folder])
def test_no_plate_says_why(qtbot, window, tmp_path, make):
    folder = tmp_path / "empty"
    folder.mkdir()
    place = make(folder)
    window.images.open(str(place))
    qtbot.waitUntil(lambda: "could not be opened" in window.images.empty.words)
    assert str(place) in window.images.empty.words


def test_unreadable_image_has_a_mark_and_a_reason(qtbot, window, tmp_path):
    folder = write_plate(tmp_path / "broken", wells=("A01",), sites=(1,))
    (folder / "P1_A01_s1_w2.TIF").write_bytes(b"II*\0no")
    window.tabs.setCurrentWidget(window.images)
    window.images.open(str(folder))
    qtbot.waitUntil(lambda: window.images.model.rowCount() == 2)
    broken = window.images.model.images[1]
    qtbot.waitUntil(lambda: window.images.thumbnails.get(broken) is not None)
    assert "P1_A01_s1_w2.TIF" in window.images.model.index(1).data(Qt.ItemDataRole.ToolTipRole)


def test_images_go_to_a_viewer(qtbot, page, free_port):
    with viewer_on(free_port) as viewer:
        viewer.receiver.beat()
        qtbot.waitUntil(lambda: page.target.itemData(0) == free_port)
        page.target.setCurrentIndex(0)
        page.send_button.click()
        qtbot.waitUntil(lambda: page.deliveries.texts[:1] != [] and "12 shown" in page.deliveries.texts[0])
        assert {image.plane.components.well for image in viewer.planes} == {"A01", "A02", "B02"}


def test_images_wait_for_a_viewer_that_is_still_to_come(qtbot, window, page, free_port, monkeypatch):
    """The form is filled in, the viewer takes its time, and more is sent to it meanwhile."""

    def start(port, **options):
        return wait_until(lambda: read_endpoint(port), "the viewer listens", 30)

    monkeypatch.setattr(starts_module, "start_viewer", start)
    page.send_button.click()
    dialog = window._dialog
    dialog.port.setText(str(free_port))
    dialog.title.setText("Later")
    dialog.start.click()
    assert page.target.currentText() == "New viewer · Later · starting"
    page.send_button.click()
    assert "24 images: 0 shown, 24 waiting" in page.deliveries.texts[0]
    with viewer_on(free_port) as viewer:
        viewer.receiver.beat()
        qtbot.waitUntil(lambda: viewer.ledger().sent == 24)
        qtbot.waitUntil(lambda: "24 shown" in page.deliveries.texts[0])
        assert page.deliveries.texts[0].startswith(f"Port {free_port} · Later")


def test_viewer_that_does_not_come_keeps_images_waiting(qtbot, window, page, free_port, monkeypatch):
    def fail(port, **options):
        raise OSError("no room on this machine")

    monkeypatch.setattr(starts_module, "start_viewer", fail)
    page.send_button.click()
    window._dialog.start.click()
    qtbot.waitUntil(lambda: "no room on this machine" in page.notice.text)
    assert "12 images: 0 shown, 12 waiting. no room" in page.deliveries.texts[0]
    with viewer_on(free_port) as viewer:
        viewer.receiver.beat()
        monkeypatch.setattr(starts_module, "start_viewer", lambda port, **options: viewer.endpoint)
        (target,) = window.deliveries.targets
        page.retry_asked.emit(target)
        qtbot.waitUntil(lambda: viewer.ledger().shown == 12)


def test_viewer_that_comes_up_can_be_chosen_all_the_time(window):
    """Also while it listens and has not been heard of."""
    page, deliveries = window.images, window.deliveries
    page.set_viewers((viewer(5555),))
    target = deliveries.expect("Later", NapariStreamingConfig())
    page.send_to(target)
    assert page.target.currentText() == "New viewer · Later · starting"
    deliveries.arrive(target, 5600)
    assert (page.target.currentText(), page.target.currentData()) == ("Port 5600 · Later · starting", target)
    page.set_viewers((viewer(5555), viewer(5600)))
    assert page.target.currentData() == 5600
    page.set_viewers((viewer(5555),))
    assert [page.target.itemData(row) for row in range(page.target.count())] == [5555, None]


def test_new_viewer_stays_chosen_while_others_change(window):
    page = window.images
    page.set_viewers((viewer(5555),))
    assert page.target.currentData() == 5555, "what is there is offered first"
    page.target.setCurrentIndex(1)
    page.set_viewers((viewer(5555, "busy"), viewer(5600)))
    assert page.target.currentText() == "A new viewer…"


def test_form_that_is_left_sends_nothing(window, page):
    page.send_button.click()
    window._dialog.reject()
    assert page._asked == ()
    assert window.deliveries.targets == ()


def test_choice_of_the_form_reaches_the_viewer_and_what_is_sent_there(
    qtbot, window, page, plate, settings, free_port, monkeypatch
):
    """At its start, after its line was hidden, and from a window that is opened later."""
    started = []
    with viewer_on(free_port) as viewer:
        viewer.receiver.beat()

        def start(port, **options):
            started.append({"port": port, **options})
            return viewer.endpoint

        monkeypatch.setattr(starts_module, "start_viewer", start)
        page.filter.grid.choose(["A01"])
        qtbot.waitUntil(lambda: page.model.rowCount() == 4)
        page.target.setCurrentIndex(page.target.count() - 1)
        page.send_button.click()
        dialog = window._dialog
        for field, text in (("colormap", "magma"), ("well_mode", "slice"), ("follow_newest", "true")):
            dialog.display.choose(field, text)
        dialog.port.setText(str(free_port))
        dialog.title.setText("Screen 12")
        dialog.stays.choose("memory_budget_mb", "2000")
        dialog.stays.choose("persistent", "false")
        dialog.start.click()
        qtbot.waitUntil(lambda: viewer.ledger().shown == 4)
        (options,) = started
        del options["stop"]
        assert options == {
            "port": free_port, "or_next": False, "title": "Screen 12", "persistent": False,
            "virtual_screen": None, "memory_budget_mb": 2000.0,
        }  # fmt: skip
        qtbot.waitUntil(lambda: window.deliveries.targets[0].count.settled)
        page.deliveries.discard_asked.emit(window.deliveries.targets[0])
        qtbot.waitUntil(lambda: page.target.findData(free_port) >= 0)
        page.target.setCurrentIndex(page.target.findData(free_port))
        page.send()
        qtbot.waitUntil(lambda: viewer.ledger().shown == 8)
        window.close_now()
        again = type(window)(settings)
        qtbot.addWidget(again)
        again.images.open(str(plate))
        qtbot.waitUntil(lambda: again.images.model.rowCount() == 12)
        qtbot.waitUntil(lambda: again.images.target.findData(free_port) >= 0)
        again.images.target.setCurrentIndex(again.images.target.findData(free_port))
        again.images.send()
        qtbot.waitUntil(lambda: viewer.ledger().shown == 20)
        again.close_now()
        displays = {(each.display.colormap, each.display.follow_newest) for each in viewer.planes}
        assert displays == {("magma", True)}
        assert all({"well", "channel"} <= set(each.display.sliced) for each in viewer.planes)


def test_request_of_the_form_says_how_images_are_shown(window):
    dialog = window.ask_for_viewer()
    dialog.display.choose("colormap", "magma")
    request = dialog.request()
    assert isinstance(request, StartRequest)
    assert (request.port, request.or_next, request.title) == (5555, True, "platecast")
    assert request.config == NapariStreamingConfig(colormap="magma")
    dialog.reject()
