"""The window as a whole: it opens, remembers, and says what it is."""

import threading

from platecast import __version__
from platecast.gui._about import show_about, versions
from platecast.viewer._inbox._arrivals import Command
from tests.receiving import viewer_on


def test_empty_window_says_what_to_do(window):
    assert "No viewer is running" in window.viewers.empty.words
    assert "No plate is open" in window.images.empty.words
    assert "No pipeline is running" in window.runs.empty.words
    assert window._summary.text() == "0 viewers  ·  0 runs in progress"


def test_layout_is_remembered(qtbot, window, settings, plate):
    window.tabs.setCurrentWidget(window.images)
    window.resize(900, 650)
    window.images.open(str(plate))
    qtbot.waitUntil(lambda: window.images.model.rowCount() == 12)
    window.images._splitter.setSizes([420, 480])
    window.close()
    again = type(window)(settings)
    qtbot.addWidget(again)
    again.show()
    assert again.tabs.currentWidget() is again.images
    assert again.size() == window.size()
    assert again.images.recent == [str(plate)]
    again.close()


def test_every_action_has_a_key_of_its_own_and_a_mnemonic(window):
    actions = [action for menu in window.menuBar().actions() for action in menu.menu().actions()]
    actions = [action for action in actions if not action.isSeparator()]
    keys = [action.shortcut().toString() for action in actions if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys)) > 10
    assert [action.text() for action in actions if "&" not in action.text()] == []


def test_tabs_by_menu(window):
    (go,) = [menu.menu() for menu in window.menuBar().actions() if menu.text() == "&Go"]
    for action, page in zip(
        go.actions(), (window.viewers, window.images, window.runs, window.log), strict=True
    ):
        action.trigger()
        assert window.tabs.currentWidget() is page


def test_about_names_versions(window):
    facts = dict(versions())
    assert facts["platecast"] == __version__
    assert facts["napari"][0].isdigit()
    box = show_about(window)
    assert all(value in box.informativeText() for value in facts.values())
    box.close()


def test_closing_waits_for_no_viewer_and_leaves_no_thread(qtbot, window, free_port):
    """The viewer was asked for a picture, and to quit; it answers neither."""
    before = set(threading.enumerate())
    with viewer_on(free_port, takes=False) as viewer:
        viewer.receiver.beat()
        qtbot.waitUntil(lambda: window.viewers.chosen is not None)
        window.viewers.picture_action.trigger()
        window.viewers.quit_action.trigger()
        qtbot.waitUntil(lambda: {"screenshot", "quit"} <= {each.name for each in waiting(viewer)})
        window.close()
        left = [each.name for each in threading.enumerate() if each.name.startswith("platecast-gui")]
        assert left == []
    assert set(threading.enumerate()) <= before


def waiting(viewer):
    return [each for each in tuple(viewer.receiver._arrivals) if isinstance(each, Command)]
