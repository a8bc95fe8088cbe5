"""The docks of a window, as napari's plugin manifest names them."""

from napari.utils.colormaps import ensure_colormap
from napari.viewer import Viewer
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QLabel, QWidget

from platecast.layers import LayerStore
from platecast.viewer._arrivals import Inbox
from platecast.viewer._napari_canvas import NapariCanvas
from platecast.viewer._napari_private import main_window
from platecast.viewer._plate_map import Place, PlateMap
from platecast.viewer._plate_watch import PlateWatch
from platecast.viewer._session import Session
from platecast.viewer._stream_dock import StreamDock

PLATE_MAP, STREAM = "Plate map", "Stream"
_COLORS = 64
_NO_STREAM = "This window shows no stream of planes.\nOpen one that does with:  platecast start"


class WindowParts(QObject):
    """What docks need of a window; a child of it, so that a dock that is opened later finds it.

    Parameters
    ----------
    parent
        The window.
    inbox, store, canvas, watch, session
        Its parts.
    """

    def __init__(
        self,
        parent: QObject,
        inbox: Inbox,
        store: LayerStore,
        canvas: NapariCanvas,
        watch: PlateWatch,
        session: Session,
    ) -> None:
        super().__init__(parent)
        self.inbox = inbox
        self.store = store
        self.canvas = canvas
        self.watch = watch
        self.session = session


def make_plate_map(napari_viewer: Viewer) -> QWidget:
    """Return a plate map of a viewer's stream."""
    parts = _parts(napari_viewer)
    if parts is None:
        return _no_stream()
    place = Place(parts.store.values, parts.canvas.values_on_screen, parts.canvas.go_to)
    rgba = ensure_colormap("viridis").map([step / (_COLORS - 1) for step in range(_COLORS)])
    plate_map = PlateMap(parts.watch.model, place, (rgba[:, :3] * 255).astype("uint8"))
    parts.watch.changed.connect(plate_map.refresh)
    parts.watch.moved.connect(plate_map.follow)
    return plate_map


def make_stream_dock(napari_viewer: Viewer) -> QWidget:
    """Return the account of a viewer's stream."""
    parts = _parts(napari_viewer)
    return _no_stream() if parts is None else StreamDock(parts.inbox, following=parts.session.following)


def open_docks(viewer: Viewer) -> None:
    """Open the docks at the right, under the names that napari gives them when they are opened by menu."""
    for name, make in ((PLATE_MAP, make_plate_map), (STREAM, make_stream_dock)):
        viewer.window.add_dock_widget(make(viewer), name=f"{name} (platecast)", area="right")


def _parts(viewer: Viewer) -> WindowParts | None:
    found: WindowParts | None = main_window(viewer).findChild(WindowParts)
    return found


def _no_stream() -> QWidget:
    label = QLabel(_NO_STREAM)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return label
