"""What becomes of images that are on their way when the window is to be closed."""

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look
from qtpy.QtWidgets import QMessageBox, QWidget

from platecast.gui._images._deliveries import Deliveries, Target

_PATIENCE_MS = 60_000


class Closing(QObject):
    """Asks whether the window waits for images that no viewer has yet, and waits. For the window's thread.

    Nobody is asked about images whose viewer did not come up: nothing would send them, and the window says so
    already.

    Parameters
    ----------
    deliveries
        What is on its way.
    window
        The window.
    patience_ms
        How long is waited while nothing arrives.
    """

    agreed = QtSignal()
    """The window may be closed: all has arrived, time is up, or nobody wants to wait."""
    left = QtSignal(int)
    """So many images are waited for; 0 where it is waited no more."""

    def __init__(self, deliveries: Deliveries, window: QWidget, patience_ms: int = _PATIENCE_MS) -> None:
        super().__init__(window)
        self._deliveries = deliveries
        self._window = window
        self._awaited: list[Target] = []
        self._is_waiting = False
        self._count = 0
        self._box: QMessageBox | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(patience_ms)
        self._patience.timeout.connect(self._agree)
        deliveries.changed.connect(self._look)

    def ask(self) -> QMessageBox | None:
        """Ask, and return the question; `None` where there is nothing to ask."""
        if self._box is None:
            on_the_way = {
                target: target.count.on_the_way for target in self._deliveries.targets if not target.error
            }
            count = sum(on_the_way.values())
            if not count:
                return None
            self._awaited = [target for target, each in on_the_way.items() if each]
            self._box = self._question(count)
            self._box.open()
        return self._box

    def _question(self, count: int) -> QMessageBox:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Close the window")
        box.setText(f"{count:,} {'image is' if count == 1 else 'images are'} still on the way to a viewer.")
        box.setInformativeText(
            "The window can close by itself when they have arrived, or when none has for a minute."
        )
        wait = box.addButton("&Wait, then close", QMessageBox.ButtonRole.AcceptRole)
        now = box.addButton("&Drop them and close", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        assert wait is not None  # noqa: S101 -- it was just added
        assert now is not None  # noqa: S101 -- it was just added
        assert cancel is not None  # noqa: S101 -- it was just added
        box.setDefaultButton(wait)
        wait.clicked.connect(self._wait)
        now.clicked.connect(self._agree)
        cancel.clicked.connect(self._stay)
        box.finished.connect(self._forget_question)
        return box

    def _forget_question(self) -> None:
        self._box = None

    def _wait(self) -> None:
        self._is_waiting, self._count = True, 0
        self._look()

    def _stay(self) -> None:
        self._is_waiting = False
        self._patience.stop()
        self.left.emit(0)

    def _agree(self) -> None:
        self._stay()
        self.agreed.emit()

    def _look(self) -> None:
        """Follow what arrives; where a viewer does not come up, the window stays and says why."""
        if not self._is_waiting:
            return
        count = sum(target.count.on_the_way for target in self._awaited)
        if any(target.error for target in self._awaited):
            self._stay()
        elif not count:
            self._agree()
        elif count != self._count:
            self._count = count
            self._patience.start()
            self.left.emit(count)
