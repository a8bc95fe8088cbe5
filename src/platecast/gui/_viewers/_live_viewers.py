"""All viewers of this user, told to a window a few times a second at most."""

from qtpy.QtCore import QObject, QSocketNotifier, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.manager import ViewerInfo, ViewerWatch

_PACE_MS = 150
"""A hundred viewers say some hundred things a second; nobody reads faster than this."""


class LiveViewers(QObject):
    """Follows the viewers and tells of all that changed, at once and not too often.

    Parameters
    ----------
    parent
        Its owner.
    """

    changed = QtSignal(object)
    """A tuple of `ViewerInfo`: each viewer that changed, once, as it is now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watch = ViewerWatch()
        self._known: dict[int, ViewerInfo] = {}
        fileno = self._watch.fileno()
        self._notifier = QSocketNotifier(fileno, QSocketNotifier.Type.Read, self)  # type: ignore[call-overload]  # a number is right
        self._notifier.activated.connect(self._wait)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PACE_MS)
        self._timer.timeout.connect(self._tell)

    @property
    def viewers(self) -> tuple[ViewerInfo, ...]:
        """Those that were told of and have not gone, by port."""
        return tuple(self._known[port] for port in sorted(self._known))

    def close(self) -> None:
        """Follow nobody any longer."""
        self._notifier.setEnabled(False)
        self._timer.stop()
        self._watch.close()

    def _wait(self) -> None:
        """Let more come together; the descriptor stays readable until it is read."""
        self._notifier.setEnabled(False)
        self._timer.start()

    def _tell(self) -> None:
        changes = self._watch.changes()
        for viewer in changes:
            if viewer.state != "gone":
                self._known[viewer.endpoint.port] = viewer
            elif self._is_known(viewer):
                del self._known[viewer.endpoint.port]
        self._notifier.setEnabled(True)
        if changes:
            self.changed.emit(changes)

    def _is_known(self, viewer: ViewerInfo) -> bool:
        """Say whether this life of the viewer, and not a later one on its port, is what we know."""
        known = self._known.get(viewer.endpoint.port)
        return known is not None and known.endpoint.instance == viewer.endpoint.instance
