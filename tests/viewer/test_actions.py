"""Keys, menus and docks of a real window, as a user meets them."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QApplication, QFileDialog, QInputDialog, QMessageBox

from platecast.components import StepId
from platecast.viewer._controls._actions import KEYS, neighbour

RAW, BLUR = StepId(0, "raw"), StepId(1, "blur")


@pytest.mark.parametrize(
    ("values", "here", "step", "wraps", "expected"),
    [
        ("ABC", "A", 1, False, "B"),
        ("ABC", "C", 1, False, None),
        ("ABC", "C", 1, True, "A"),
        ("ABC", "A", -1, True, "C"),
        ("ABC", None, 1, False, "A"),
        ("ABC", None, -1, False, "C"),
        ("", "A", 1, True, None),
    ],
)
def test_neighbour(values, here, step, wraps, expected):
    assert neighbour(tuple(values), here, step, wraps=wraps) == expected


@pytest.fixture
def window(screen, qtbot, inbox):
    """Two runs of two steps, of which the second well has no image."""
    from platecast.components import PlateLayout
    from platecast.viewer._window import open_window

    window = open_window("a title", 5555, inbox, warm_up=False)
    inbox.waiting.append(PlateLayout(well=("A01", "A02", "A03", "B01")))
    for run in ("a", "b"):
        for step in (RAW, BLUR):
            for well in ("A01", "A03", "B01"):
                for site in (1, 2):
                    inbox.plane(1, run=run, step=step, well=well, site=site)
    window.start()
    qtbot.waitUntil(lambda: len(inbox.outcomes) == inbox.sent and len(window.viewer.layers) == 4)
    qtbot.waitUntil(lambda: window.session._watch.model.filled_wells() == {"A01", "A03", "B01"})
    yield window
    window.close()
    qtbot.waitUntil(lambda: window.session._is_stopped)


@pytest.fixture
def press(window):
    actions = {action.text(): action for action in window.viewer.window._qt_window.findChildren(QAction)}

    def press(shortcut):
        actions[next(key.title for key in KEYS if key.shortcut == shortcut)].trigger()

    return press


def test_keys(qtbot, window, press, monkeypatch):
    text = window.viewer.canvas.overlays.text
    for shortcut, expected in (
        (".", "Well A03 · Site 1"),
        (".", "Well B01 · Site 1"),
        (".", "Well B01 · Site 1"),
        (",", "Well A03 · Site 1"),
        ("PgDown", "Well A03 · Site 2"),
        ("PgDown", "Well A03 · Site 1"),
        ("PgUp", "Well A03 · Site 2"),
    ):
        press(shortcut)
        assert text.text == expected
    press("Ctrl+K")
    assert window.viewer.canvas.grid.enabled
    press("K")
    assert text.text.endswith("step 0 raw (1 of 2)")
    press("Ctrl+K")
    assert not window.session._canvas.compared
    press("K")
    press("K")
    assert text.text.endswith("step 1 blur (2 of 2)")
    press("Ctrl+K")
    assert not window.session.following.is_on
    press("Ctrl+Shift+N")
    assert window.session.following.is_on
    shown = []
    monkeypatch.setattr(QMessageBox, "information", lambda *args: shown.append(args[2]))
    help_menu = window.viewer.window.help_menu
    next(action for action in help_menu.actions() if action.text() == "Keys of platecast").trigger()
    assert all(f"<b>{key.shortcut}</b>" in shown[0] for key in KEYS)


def test_a_key_reaches_the_window_from_the_canvas(qtbot, window):
    canvas = window.viewer.window._qt_viewer.canvas.native
    # There is no window manager that would do it.
    QApplication.setActiveWindow(window.viewer.window._qt_window)
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Period)
    assert window.viewer.canvas.overlays.text.text.startswith("Well A03")


def test_the_menus_of_napari(qtbot, window, monkeypatch):
    """napari calls what the manifest names; here by the same commands."""
    from npe2 import PluginManager

    manager = PluginManager.instance()
    if "platecast" not in manager._manifests:
        manager.discover()

    def call(command):
        manager.commands.execute(f"platecast.{command}")
        qtbot.waitUntil(lambda: not window.session._held)

    call("clear_earlier_runs")
    layers = window.viewer.layers
    assert {layer.name for layer in layers} == {"b_Step_00_raw", "b_Step_01_blur"}
    monkeypatch.setattr(QInputDialog, "getItem", lambda *args: (args[3][0], True))
    call("clear_step")
    assert [layer.name for layer in layers] == ["b_Step_01_blur"]
    call("clear_run")
    assert len(layers) == 0
    call("clear_run")
    call("compare_side_by_side")
    assert window.viewer.canvas.overlays.text.text == "Waiting for images on port 5555"


def test_docks_open_from_the_menu(qtbot, window):
    """Also one that was closed, without the warnings about private names that a plugin's proxy would give."""
    for name in ("Plate map", "Stream", "Compare steps"):
        if f"{name} (platecast)" in window.viewer.window.dock_widgets:
            window.viewer.window.remove_dock_widget(window.viewer.window.dock_widgets[f"{name} (platecast)"])
        _, widget = window.viewer.window.add_plugin_dock_widget("platecast", name)
        assert type(widget).__name__ in ("PlateMap", "StreamDock", "CompareDock")


def test_the_compare_dock(qtbot, window):
    from platecast.viewer._controls._docks import make_compare_dock

    dock = make_compare_dock(window.viewer)
    qtbot.addWidget(dock)
    assert dock.chosen == (RAW, BLUR)
    assert not dock.end.isEnabled()
    qtbot.mouseClick(dock.side_by_side, Qt.MouseButton.LeftButton)
    canvas = window.session._canvas
    assert canvas.compared == (RAW, BLUR)
    assert dock.end.isEnabled()
    qtbot.mouseClick(dock.end, Qt.MouseButton.LeftButton)
    assert canvas.compared == ()
    assert not dock.end.isEnabled()
    dock._list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not dock.side_by_side.isEnabled(), "two steps at least"


def test_pixels_side_by_side(qtbot, window, inbox):
    """The left cell shows the raw image, the right one the bright one."""
    from qtpy.QtGui import QImage

    from platecast.viewer._napari._picture import png_bytes

    for step, value in ((RAW, 0), (BLUR, 60000)):
        inbox.plane(
            np.full((64, 64), value, np.uint16), step=step, well="A01", site=1, run="c", contrast=(0, 60000)
        )
    window.wake()
    qtbot.waitUntil(lambda: len(inbox.outcomes) == inbox.sent)
    window.session._canvas.compare([RAW, BLUR], side_by_side=True)
    image = QImage.fromData(png_bytes(window.viewer.screenshot(canvas_only=True, flash=False)))
    colors = [image.pixelColor(round(image.width() * x), image.height() // 2).red() for x in (0.25, 0.75)]
    assert colors[0] < 50
    assert colors[1] > 200


def test_export_and_picture_by_menu(qtbot, window, monkeypatch, tmp_path):
    from platecast.viewer._controls import _actions

    told = []
    for name in ("show_info", "show_warning"):
        monkeypatch.setattr(_actions, name, told.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "mine"), ""))
    _actions.export_images()
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert told == [f"12 of 12 planes in {tmp_path / 'mine.zarr'}, done"], "of the newest run"
    _actions.export_images()
    qtbot.waitUntil(lambda: len(told) == 2)
    assert "is there already" in told[1]
    _actions.save_screenshot()
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
