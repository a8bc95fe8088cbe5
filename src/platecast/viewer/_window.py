"""A window that shows what comes into an inbox."""

from napari.qt import get_qapp
from napari.viewer import Viewer
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QLabel

from platecast.layers import LayerStore
from platecast.viewer._controls._actions import add_keys
from platecast.viewer._controls._docks import open_docks, update_docks
from platecast.viewer._controls._window_parts import WindowParts
from platecast.viewer._inbox._arrivals import Inbox
from platecast.viewer._napari._canvas import NapariCanvas
from platecast.viewer._napari._late_widgets import LateWidgets
from platecast.viewer._napari._missing_shade import MissingShade
from platecast.viewer._napari._private import (
    add_to_status_bar,
    arrange_docks,
    main_window,
    on_composed,
    on_window_closed,
    scenes_of,
    show_window,
    slice_once,
    unbind_program_on_removal,
)
from platecast.viewer._napari._thumbnails import Thumbnails
from platecast.viewer._napari._visuals import use_plane_visuals
from platecast.viewer._napari._warmup import WarmUp
from platecast.viewer._plate._model import PlateModel
from platecast.viewer._plate._watch import PlateWatch
from platecast.viewer._session._ahead import ReadAhead
from platecast.viewer._session._following import Following
from platecast.viewer._session._session import Session

_WIDTH_PX = 1560
_HEIGHT_PX = 940
_LEFT_PX = 385
"""Wide enough for ``Step_02_gaussian_blur_Channel_1`` in the list of layers."""
_RIGHT_PX = 310


class Window:
    """An open viewer window. For the main thread, but for `wake`.

    Parameters
    ----------
    viewer
        The napari viewer; its window is shown.
    session
        What fills it.
    warming
        What makes its first layers faster.
    """

    def __init__(self, viewer: Viewer, session: Session, warming: WarmUp | None = None) -> None:
        self.viewer = viewer
        self.session = session
        self._warming = warming
        self._is_closed = False
        self._loop = QEventLoop()
        self.wake = session.wake
        """Say that the inbox has something; for any thread."""
        on_window_closed(viewer, self._stop)

    def start(self) -> None:
        """Begin to take from the inbox as soon as Qt's loop runs."""
        self.session.start()
        if self._warming is not None:
            self._warming.start()

    def run(self) -> int:
        """Start, and run Qt's loop until the window is closed; return the exit status."""
        self.start()
        if not self._is_closed:
            # Not napari.run(): that returns with the last window of all, which may be another one.
            self._loop.exec()
        return 0

    def close(self) -> None:
        """Close the window soon; may be called by a signal handler, in the middle of anything."""
        QTimer.singleShot(0, self._close_once)

    def _close_once(self) -> None:
        # napari fails on a window that has gone.
        if not self._is_closed:
            self.viewer.close()

    def _stop(self) -> None:
        self._is_closed = True
        self._loop.quit()
        self.session.stop()
        if self._warming is not None:
            self._warming.stop()


def open_window(title: str, port: int, inbox: Inbox, *, warm_up: bool = True) -> Window:
    """Open a viewer window; nothing is taken from the inbox before it is started.

    Parameters
    ----------
    title
        The window's title.
    port
        The data port, as the empty window says it.
    inbox
        Where planes, layouts and commands come from; whoever fills it calls `Window.wake`.
    warm_up
        Whether to make the first layers faster while the window is idle.
    """
    get_qapp()
    viewer = Viewer(title=title, show=False, show_welcome_screen=False)
    slice_once(viewer)
    use_plane_visuals(viewer)
    late = LateWidgets(viewer)
    store = LayerStore()
    thumbnails = Thumbnails(lambda layer: layer.draw_thumbnail())
    on_window_closed(viewer, thumbnails.stop)
    canvas = NapariCanvas(viewer, store, port, thumbnails.put_off)
    watch = PlateWatch(PlateModel())
    canvas.on_screen.on_moved = watch.moved.emit
    canvas.pin = inbox.pin
    canvas.on_picture = lambda: _be_up_to_date(viewer, late)
    on_composed(viewer, canvas.painted)
    following = Following(_is_dragging)
    canvas.on_touched = following.touch
    session = Session(inbox, store, canvas, watch=watch, following=following)
    on_composed(viewer, session.painted)
    canvas.on_more = session.wake
    ahead = ReadAhead(store.values, canvas.values_on_screen, canvas.planes_at)
    watch.on_rest = ahead.offer
    watch.moved.connect(ahead.moved)
    ahead.measured.connect(watch.measured)
    on_window_closed(viewer, ahead.stop)
    _mark_missing(viewer, canvas)
    WindowParts(main_window(viewer), inbox, store, canvas, watch, session)
    add_keys(viewer)
    on_window_closed(viewer, watch.stop)
    unbind_program_on_removal(viewer)
    show_window(viewer, _WIDTH_PX, _HEIGHT_PX)
    open_docks(viewer)
    arrange_docks(viewer, _LEFT_PX, _RIGHT_PX)
    viewer.status = "Ready"
    return Window(viewer, session, WarmUp(viewer, lambda: session.is_idle) if warm_up else None)


def _be_up_to_date(viewer: Viewer, late: LateWidgets) -> None:
    late.show_now()
    update_docks(viewer)


def _is_dragging() -> bool:
    return QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton


def _mark_missing(viewer: Viewer, canvas: NapariCanvas) -> None:
    label = QLabel()
    label.setObjectName("missing planes")
    label.setStyleSheet("color: #e69f00; padding: 0 8px")
    label.hide()
    add_to_status_bar(viewer, label)
    canvas.on_screen.on_missing = MissingShade(lambda: scenes_of(viewer), label).show
