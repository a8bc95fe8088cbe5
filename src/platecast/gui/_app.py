"""The manager's process."""

import signal
import sys

from qtpy.QtCore import QSettings, QTimer
from qtpy.QtWidgets import QApplication

from platecast.gui._parts._icon import app_icon
from platecast.gui._window import ManagerWindow

_SIGNALS_MS = 500
"""Python's handlers of signals run only when Python does."""
_SWITCH_INTERVAL_S = 0.001


def favour_the_window() -> None:
    """Let this process's threads hold the interpreter's lock for 1 ms at a time, and not for 5.

    The window's thread asks for it a hundred times while it draws a sheet of thumbnails: beside threads that
    read headers it then stands still for 26 to 47 ms instead of 30 to 64 (two cores, a viewer starting).
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_S)


def run_manager(place: str = "") -> int:
    """Open the window, run until it is closed, and return the exit status.

    Parameters
    ----------
    place
        A plate to open at once; empty for none.
    """
    favour_the_window()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    QApplication.setApplicationName("platecast")
    QApplication.setApplicationDisplayName("platecast")
    QApplication.setWindowIcon(app_icon())
    window = ManagerWindow(QSettings("platecast", "manager"))
    for each in (signal.SIGINT, signal.SIGTERM):
        # Nobody may be there to be asked.
        signal.signal(each, lambda *_: window.close_now())
    awake = QTimer()
    awake.timeout.connect(lambda: None)
    awake.start(_SIGNALS_MS)
    window.show()
    if place:
        window.tabs.setCurrentWidget(window.images)
        window.images.open(place)
    return int(app.exec())
