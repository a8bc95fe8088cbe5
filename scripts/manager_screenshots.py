"""Makes the pictures of the manager's window for the documentation: every tab, empty, busy and in error.

Run it with ``python scripts/manager_screenshots.py docs/images`` on a screen, such as one of ``xvfb-run``.
Everything in the pictures is real, in folders of its own: viewers are started, a plate is written, a pipeline
runs and fails.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QItemSelectionModel, QSettings
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QWidget

import platecast
from platecast.demo import make_plate
from platecast.gui import ManagerWindow
from platecast.manager import list_viewers, quit_viewer
from platecast.pipeline import stop_run

_SIZE = (1080, 700)
_PORTS = (21555, 23555)
_PIPELINE = """
import sys, time
import platecast as pc

def flatten(image):
    time.sleep(0.05)
    return image - image.min()

def find_nuclei(image):
    if image.mean() > {limit}:
        raise ValueError(f"mean intensity {{image.mean():.0f}}: no threshold tells nuclei from background")
    return (image > image.mean() + image.std()).astype("int32")

if __name__ == "__main__":
    pipeline = pc.Pipeline([pc.Step(flatten), pc.Step(find_nuclei)])
    pc.run(pipeline, plate=sys.argv[1], output=sys.argv[2])
"""

_FULL_DISK = """
import logging
try:
    raise OSError(28, "No space left on device", "results/B03.tif")
except OSError:
    logging.getLogger("platecast.storage").exception("a result could not be written")
"""


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="pcm-"))
    for name in ("PLATECAST_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = str(home / name.lower())
    os.environ["NAPARI_CONFIG"] = str(home / "napari.yaml")
    (home / "platecast_runtime_dir").mkdir(mode=0o700)
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    settings = QSettings(str(home / "manager.ini"), QSettings.Format.IniFormat)
    window = ManagerWindow(settings)
    window.resize(*_SIZE)
    window.show()
    try:
        Pictures(app, window, folder, home).take()
    finally:
        for viewer in list_viewers():
            quit_viewer(viewer.endpoint, 30)
        window.close_now()
        shutil.rmtree(home, ignore_errors=True)


class Pictures:
    """Leads the window through its states, and takes a picture of each in light and dark.

    Parameters
    ----------
    app, window
        What is pictured.
    folder
        Where pictures go.
    home
        Where plates, results and settings are.
    """

    def __init__(self, app: QApplication, window: ManagerWindow, folder: Path, home: Path) -> None:
        self._app, self._window, self._folder, self._home = app, window, folder, home
        self._light = app.palette()

    def take(self) -> None:
        """Take all of them."""
        self._empty()
        plate = make_plate(self._home, wells=96, sites=1, channels=2, z=1, size=192)
        self._images(plate)
        self._viewers()
        self._runs(plate)
        self._log()

    def _empty(self) -> None:
        window = self._window
        window.log.model.clear()
        window.log._clear()  # noqa: SLF001 -- what the button does
        for name, page in self._pages():
            window.tabs.setCurrentWidget(page)
            self._picture(f"manager-{name}-empty")
        window.tabs.setCurrentWidget(window.viewers)
        dialog = window.ask_for_viewer()
        dialog.display.choose("colormap", "viridis")
        self._picture("manager-start", dialog)
        dialog.port.setText("99999")
        dialog.start.click()
        self._picture("manager-start-error", dialog)
        dialog.reject()

    def _images(self, plate: Path) -> None:
        window = self._window
        page = window.images
        window.tabs.setCurrentWidget(page)
        page.open(str(self._home / "no-such-plate"))
        self._wait(lambda: "could not be opened" in page.empty.words)
        self._picture("manager-images-error")
        page.open(str(plate))
        self._wait(lambda: page.model.rowCount() == 192)
        page.filter.grid.choose([f"{row}{column:02d}" for row in "BCD" for column in range(2, 8)])
        self._wait(lambda: page.model.rowCount() == 36)
        self._wait(lambda: all(map(page.thumbnails.get, page.sheet.images_in_sight)))
        model = page.sheet.selectionModel()
        assert model is not None
        for row in range(4, 12):
            model.select(page.model.index(row), QItemSelectionModel.SelectionFlag.Select)
        page.sheet.setFocus()
        self._picture("manager-images")
        model.clearSelection()
        page.send_button.click()
        self._fill_in(_PORTS[0], "Screen 12, plate 3")
        self._wait(lambda: bool(page.deliveries.texts))
        self._picture("manager-images-busy")

    def _viewers(self) -> None:
        window = self._window
        page = window.viewers
        window.tabs.setCurrentWidget(page)
        window.ask_for_viewer()
        self._fill_in(_PORTS[1], "Assay development")
        self._wait(lambda: page.model.rowCount() == 2, 60)
        self._picture("manager-viewers-busy")
        self._wait(lambda: any(each.state == "ready" for each in window.live_viewers.viewers), 120)
        page.choose(_PORTS[0])
        self._wait(lambda: window.live_viewers.viewers[0].ledger is not None)
        self._settle(3.0)
        page.take_picture()
        self._wait(lambda: not page.picture.picture_size.isEmpty(), 30)
        self._picture("manager-viewers")
        window.ask_for_viewer()
        self._fill_in(_PORTS[0], "A third one")
        self._wait(lambda: bool(page.notice.text), 30)
        self._picture("manager-viewers-error")
        page.notice.clear()
        window.images.notice.clear()

    def _runs(self, plate: Path) -> None:
        window = self._window
        window.tabs.setCurrentWidget(window.runs)
        script = self._home / "assay.py"
        script.write_text(_PIPELINE.format(limit=560))
        # By another path: the traceback in the picture is not to name the folder of this checkout.
        packages = self._home / "site-packages"
        packages.symlink_to(Path(platecast.__file__).parents[1])
        process = subprocess.Popen(
            [sys.executable, str(script), str(plate), str(self._home / "results")],
            env=os.environ | {"PYTHONPATH": str(packages)},
        )
        self._wait(lambda: any(len(view.wells) > 40 for view in window.live_runs.runs.values()), 60)
        self._picture("manager-runs-busy")
        failed = lambda: any(view.failures for view in window.live_runs.runs.values())  # noqa: E731
        self._wait(failed, 60)
        self._picture("manager-runs")
        stop_run("")
        process.wait()
        self._wait(lambda: not any(view.is_running for view in window.live_runs.runs.values()))
        self._picture("manager-runs-ended")

    def _log(self) -> None:
        window = self._window
        window.tabs.setCurrentWidget(window.log)
        # From a text, so that the traceback in the picture does not name the folder of this checkout.
        exec(compile(_FULL_DISK, "save.py", "exec"), {})  # noqa: S102
        self._wait(lambda: "could not be written" in window.log.text())
        window.log.table.selectRow(window.log.filter.rowCount() - 1)
        self._picture("manager-log")

    def _fill_in(self, port: int, title: str) -> None:
        dialog = self._window._dialog  # noqa: SLF001 -- the form that is open
        assert dialog is not None
        dialog.port.setText(str(port))
        dialog.title.setText(title)
        dialog.start.click()

    def _pages(self) -> tuple[tuple[str, QWidget], ...]:
        window = self._window
        return (
            ("viewers", window.viewers),
            ("images", window.images),
            ("runs", window.runs),
            ("log", window.log),
        )

    def _picture(self, name: str, widget: QWidget | None = None) -> None:
        for palette, suffix in ((dark_palette(), "-dark"), (self._light, "")):
            # A screen without a desktop has no scheme that Qt could follow, as it does elsewhere by itself.
            self._app.setPalette(palette)
            self._settle(0.3)
            (widget or self._window).grab().save(str(self._folder / f"{name}{suffix}.png"))

    def _settle(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._app.processEvents()
            time.sleep(0.01)

    def _wait(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                states = [each.state for each in self._window.live_viewers.viewers]
                raise TimeoutError(
                    f"the window did not come to its next state; viewers {states}; {self._window.log.text()}"
                )
            self._settle(0.05)


def dark_palette() -> QPalette:
    """Return colours such as a dark desktop has."""
    palette = QPalette(QColor("#2b2d31"), QColor("#2b2d31"))
    palette.setColor(QPalette.ColorRole.Base, QColor("#1e1f22"))
    palette.setColor(QPalette.ColorRole.AlternateBase, QColor("#26282c"))
    palette.setColor(QPalette.ColorRole.Highlight, QColor("#2f6fab"))
    palette.setColor(QPalette.ColorRole.PlaceholderText, QColor("#9aa0a8"))
    return palette


if __name__ == "__main__":
    main()
