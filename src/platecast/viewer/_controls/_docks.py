"""The docks of a window, as napari's plugin manifest names them.

napari calls these functions without a viewer; then it is the one in front that counts.
"""

from napari.utils.colormaps import ensure_colormap
from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from platecast.viewer._controls._compare_dock import CompareDock
from platecast.viewer._controls._plate_map import Numbers, Place, PlateMap
from platecast.viewer._controls._stream_dock import StreamDock
from platecast.viewer._controls._window_parts import find_parts
from platecast.viewer._napari._private import main_window

PLATE_MAP, STREAM = "Plate map", "Stream"
_COLORS = 64
_NO_STREAM = "This window shows no stream of planes.\nOpen one that does with:  platecast start"


def make_plate_map(napari_viewer: Viewer | None = None) -> QWidget:
    """Return a plate map of a viewer's stream."""
    parts = find_parts(napari_viewer)
    if parts is None:
        return _no_stream()
    canvas = parts.canvas
    place = Place(
        parts.store.values,
        lambda: canvas.values_here("site"),
        canvas.values_on_screen,
        canvas.go_to,
        lambda: canvas.plate_on_screen,
    )
    rgba = ensure_colormap("viridis").map([step / (_COLORS - 1) for step in range(_COLORS)])
    colors = (rgba[:, :3] * 255).astype("uint8")
    numbers = Numbers(lambda: parts.store.number_columns, parts.store.numbers_by_well)
    plate_map = PlateMap(parts.watch.model, place, colors, numbers)
    parts.watch.changed.connect(plate_map.refresh)
    parts.watch.moved.connect(plate_map.follow)
    return plate_map


def make_stream_dock(napari_viewer: Viewer | None = None) -> QWidget:
    """Return the account of a viewer's stream."""
    parts = find_parts(napari_viewer)
    return _no_stream() if parts is None else StreamDock(parts.inbox, following=parts.session.following)


def make_compare_dock(napari_viewer: Viewer | None = None) -> QWidget:
    """Return the list of steps that can be compared."""
    parts = find_parts(napari_viewer)
    if parts is None:
        return _no_stream()
    canvas = parts.canvas
    dock = CompareDock(canvas, lambda steps, side_by_side: canvas.compare(steps, side_by_side=side_by_side))
    parts.watch.changed.connect(dock.refresh)
    parts.compared.connect(dock.refresh)
    return dock


def open_docks(viewer: Viewer) -> None:
    """Open the docks at the right, under the names that napari gives them when they are opened by menu."""
    for name, make in ((PLATE_MAP, make_plate_map), (STREAM, make_stream_dock)):
        viewer.window.add_dock_widget(make(viewer), name=f"{name} (platecast)", area="right")


def update_docks(viewer: Viewer) -> None:
    """Let docks that follow a few times a second say what holds now, as a picture of them should."""
    parts = find_parts(viewer)
    if parts is not None:
        parts.watch.catch_up()
    for dock in main_window(viewer).findChildren(StreamDock):
        dock.update_values()
    for plate_map in main_window(viewer).findChildren(PlateMap):
        plate_map.redraw()


def _no_stream() -> QWidget:
    label = QLabel(_NO_STREAM)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return label
