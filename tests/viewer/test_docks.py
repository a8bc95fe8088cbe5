"""The docks in a real window, and the account of the stream."""

import importlib.metadata
import inspect
from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from platecast.components import Kind
from platecast.viewer._controls._stream_dock import StreamDock


def test_stream_dock(qtbot, inbox):
    now = [0.0]
    dock = StreamDock(inbox, clock=lambda: now[0])
    qtbot.addWidget(dock)
    inbox.sent = 1234
    inbox.outcomes = dict.fromkeys(range(1000)) | {1000: "too large"}
    now[0] = 2.0
    dock.update_values()
    names = ("sent", "shown", "failed", "dropped", "pending", "rate", "senders")
    assert [dock.value(name) for name in names] == ["1,234", "1,000", "1", "0", "233", "500 /s", "1"]
    assert dock.value("memory").endswith(("MB", "GB"))
    dock.stop()


def test_stream_dock_names_the_machine_that_it_waits_for(qtbot, inbox):
    dock = StreamDock(inbox)
    qtbot.addWidget(dock)
    assert dock.missed.isHidden()
    inbox.silent = [f"not heard for 14 s: process 4711 on node{number}" for number in (17, 18)]
    dock.update_values()
    assert not dock.missed.isHidden()
    assert dock.missed.text() == "not heard for 14 s: process 4711 on node17 (and 1 more)"
    assert "node18" in dock.missed.toolTip()
    inbox.silent = []
    dock.update_values()
    assert dock.missed.isHidden()
    dock.stop()


def test_the_manifest_is_valid():
    npe2 = pytest.importorskip("npe2")
    from platecast import viewer
    from platecast.viewer._controls import _actions, _docks

    path = Path(viewer.__file__).with_name("napari.yaml")
    manifest = npe2.PluginManifest.from_file(path)
    manifest.validate_imports()
    contributions = manifest.contributions
    assert [widget.display_name for widget in contributions.widgets] == [
        "Plate map",
        "Stream",
        "Compare steps",
    ]
    named = {command.python_name.rpartition(":")[2] for command in contributions.commands}
    docks = {name for name in vars(_docks) if name.startswith("make_")}
    actions = {
        name
        for name, value in vars(_actions).items()
        if inspect.isfunction(value) and value.__module__ == _actions.__name__ and not name.startswith("_")
    }
    assert named - {"get_reader"} == docks | actions - {"add_keys", "neighbour"}, (
        "whatever can be done is in the manifest"
    )
    in_menus = {item.command for items in contributions.menus.values() for item in items}
    assert in_menus <= {command.id for command in contributions.commands}
    entries = importlib.metadata.entry_points(group="napari.manifest")
    declared = [entry.value for entry in entries if entry.name == "platecast"]
    assert declared in ([], ["platecast.viewer:napari.yaml"]), (
        "installed before the manifest was there, or rightly"
    )


@pytest.fixture
def window(screen, qtbot, inbox):
    from platecast.viewer._window import open_window

    window = open_window("a title", 5555, inbox, warm_up=False)
    window.start()
    yield window
    window.close()
    qtbot.waitUntil(lambda: window.session._is_stopped)


def test_docks_are_open_and_leave_the_images_most_of_the_window(qtbot, window):
    from platecast.viewer._controls._plate_map import PlateMap

    docks = window.viewer.window.dock_widgets
    assert {"Plate map (platecast)", "Stream (platecast)"} <= set(docks)
    plate_map = window.viewer.window._qt_window.findChild(PlateMap)
    qtbot.waitUntil(plate_map.isVisible)
    whole = window.viewer.window._qt_window.width()
    canvas = window.viewer.window._qt_viewer.canvas.native.width()
    assert canvas > whole / 2
    assert plate_map.width() < 350


def test_the_map_leads_through_the_window(qtbot, window, inbox):
    from platecast.viewer._controls._plate_map import PlateMap

    plate_map = window.viewer.window._qt_window.findChild(PlateMap)
    for well in ("A01", "B02"):
        inbox.plane(3, well=well, shape=(32, 32))
    inbox.plane(3, well="C03", kind=Kind.POINTS)
    window.wake()
    qtbot.waitUntil(lambda: plate_map.text == "2 arrived · 1 failed")
    center = plate_map.grid.rect_of(1, 1).center().toPoint()
    qtbot.mouseClick(plate_map.grid, Qt.MouseButton.LeftButton, pos=center)
    assert window.viewer.canvas.overlays.text.text == "Well B02"
    assert plate_map.grid._here == "B02"
    window.viewer.dims.set_current_step(0, 0)
    assert plate_map.grid._here == "A01", "the map follows the sliders"


def test_another_viewer_has_no_stream(screen, qtbot):
    from napari.viewer import Viewer

    from platecast.viewer._controls._docks import make_plate_map

    viewer = Viewer(show=False)
    label = make_plate_map(viewer)
    qtbot.addWidget(label)
    assert "shows no stream" in label.text()
    viewer.close()
