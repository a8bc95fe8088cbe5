"""How long the manager's window does not answer: 500 images sent to a starting viewer, and 100 viewers' news.

Run it on a screen: ``xvfb-run -a python benchmarks/manager_window.py``. A timer of 2 ms is the yardstick: the
longest time between two of its turns is what a user of the window may have to wait.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from qtpy.QtCore import QSettings, QTimer
from qtpy.QtWidgets import QApplication

from platecast.config import NapariStreamingConfig
from platecast.demo import make_plate
from platecast.gui import ManagerWindow
from platecast.gui._app import favour_the_window
from platecast.gui._viewers._start_dialog import StartRequest
from platecast.manager import ViewerInfo, list_viewers, quit_viewer
from platecast.wire import Endpoint, Ledger, ViewerStatus

PORT, IMAGES, VIEWERS, ROUNDS = 21777, 500, 100, 100


class Gaps:
    """Notes the times between turns of the window's loop."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.timeout.connect(self._note)
        self._last_s = 0.0
        self.all_ms: list[float] = []

    def start(self) -> None:
        """Begin anew."""
        self.all_ms.clear()
        self._last_s = time.perf_counter()
        self._timer.start(2)

    def _note(self) -> None:
        now = time.perf_counter()
        self.all_ms.append((now - self._last_s) * 1e3)
        self._last_s = now

    def tell(self, what: str) -> None:
        """Print what was noted."""
        self._timer.stop()
        p99, longest = np.percentile(self.all_ms, 99), max(self.all_ms)
        print(f"{what}: longest gap {longest:.0f} ms, p99 {p99:.1f} ms")


def turn_until(app: QApplication, condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        app.processEvents()
        time.sleep(0.0005)
        if time.monotonic() > end:
            raise TimeoutError


def viewer(port: int, shown: int) -> ViewerInfo:
    name = f"{port}"
    endpoint = Endpoint(
        version=1, port=port, pid=1, start_time=0.0, instance=name, token="", handover="", title=name,
        persistent=True,
    )  # fmt: skip
    status = ViewerStatus(
        protocol=1, version="1", port=port, pid=1, instance=name, title=name, state="busy", uptime_s=1.0,
        ledger=Ledger(sent=shown, shown=shown),
    )  # fmt: skip
    return ViewerInfo(endpoint, "busy", status)


def measure_sending(app: QApplication, window: ManagerWindow, gaps: Gaps, home: Path) -> None:
    page = window.images
    page.open(str(make_plate(home, wells=250, sites=1, channels=2, z=1, size=64)))
    turn_until(app, lambda: page.model.rowCount() == IMAGES)
    turn_until(app, lambda: all(map(page.thumbnails.get, page.sheet.images_in_sight)))
    page.sheet.selectAll()
    gaps.start()
    target = window.start_viewer(
        StartRequest(PORT, False, "bench", True, None, NapariStreamingConfig(napari_port=PORT))
    )
    window.deliveries.send(target, page._plate, page.images)  # noqa: SLF001
    turn_until(app, lambda: target.count.ledger.shown == IMAGES)
    gaps.tell(f"{IMAGES} images to a starting viewer")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    home = Path(tempfile.mkdtemp(prefix="pcb-"))
    os.environ["PLATECAST_RUNTIME_DIR"] = str(home / "run")
    (home / "run").mkdir(mode=0o700)
    favour_the_window()
    app = QApplication([])
    window = ManagerWindow(QSettings(str(home / "manager.ini"), QSettings.Format.IniFormat))
    window.show()
    gaps = Gaps()
    try:
        window.tabs.setCurrentWidget(window.images)
        measure_sending(app, window, gaps, home)
        window.tabs.setCurrentWidget(window.viewers)
        gaps.start()
        for shown in range(ROUNDS):
            news = tuple(viewer(port, shown) for port in range(30000, 30000 + VIEWERS))
            window.live_viewers.changed.emit(news)
            app.processEvents()
        gaps.tell(f"{ROUNDS} x news of {VIEWERS} viewers, without a pause")
    finally:
        for each in list_viewers():
            quit_viewer(each.endpoint, 30)
        window.close_now()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
