"""The manager's process."""

import signal
import sys

from qtpy.QtCore import QSettings, QTimer
from qtpy.QtWidgets import QApplication

from platecast.gui._icon import app_icon
from platecast.gui._window import ManagerWindow

_SIGNALS_MS = 500
"""Python's handlers of signals run only when Python does."""


def run_manager(place: str = "") -> int:
    """Open the window, run until it is closed, and return the exit status.

    Parameters
    ----------
    place
        A plate to open at once; empty for none.
    """
    app = QApplication.instance() or QApplication(sys.argv[:1])
    QApplication.setApplicationName("platecast")
    QApplication.setApplicationDisplayName("platecast")
    QApplication.setWindowIcon(app_icon())
    window = ManagerWindow(QSettings("platecast", "manager"))
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: window.close())
    awake = QTimer()
    awake.timeout.connect(lambda: None)
    awake.start(_SIGNALS_MS)
    window.show()
    if place:
        window.tabs.setCurrentWidget(window.images)
        window.images.open(place)
    return int(app.exec())
