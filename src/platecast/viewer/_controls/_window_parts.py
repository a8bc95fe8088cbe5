"""What docks, menus and keys need of a window."""

from napari.viewer import Viewer, current_viewer
from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.layers import LayerStore
from platecast.viewer._inbox._arrivals import Inbox
from platecast.viewer._napari._canvas import NapariCanvas
from platecast.viewer._napari._private import main_window
from platecast.viewer._plate._watch import PlateWatch
from platecast.viewer._session._session import Session


class WindowParts(QObject):
    """The parts of a window; a child of it, so that a dock that is opened later finds it.

    Parameters
    ----------
    parent
        The window.
    inbox, store, canvas, watch, session
        Its parts.
    """

    compared = QtSignal()
    """A comparison of steps has begun, changed or ended."""

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
        canvas.on_compared = self.compared.emit


def find_parts(viewer: Viewer | None = None) -> WindowParts | None:
    """Return the parts of a viewer, or of the one that is in front; `None` where it shows no stream."""
    viewer = current_viewer() if viewer is None else viewer
    found: WindowParts | None = None if viewer is None else main_window(viewer).findChild(WindowParts)
    return found
