"""The manager's window, with settings of its own, closed with the test that opened it."""

import functools
import os

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QSettings

from platecast.gui import ManagerWindow
from tests.sending import end_links


@pytest.fixture(scope="session")
def qapp_args():
    """Without a screen Qt would abort."""
    has_screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return ["platecast"] if has_screen else ["platecast", "-platform", "offscreen"]


@pytest.fixture
def qtbot(qtbot):
    """As pytest-qt's own, but patient: two suites may share two cores."""
    qtbot.waitUntil = functools.partial(qtbot.waitUntil, timeout=30_000)
    return qtbot


@pytest.fixture
def settings(tmp_path):
    return QSettings(str(tmp_path / "manager.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(qtbot, settings, runtime_dir):
    window = ManagerWindow(settings)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.close_now()
    end_links()


def write_plate(folder, wells=("A01", "A02", "B02"), sites=(1, 2), channels=(1, 2), shape=(24, 32)):
    """Write an ImageXpress-like plate; each image has one gradient of its own."""
    folder.mkdir()
    value = 0
    for well in wells:
        for site in sites:
            for channel in channels:
                value += 1
                image = np.arange(np.prod(shape), dtype="uint16").reshape(shape) + np.uint16(value)
                tifffile.imwrite(
                    folder / f"P1_{well}_s{site}_w{channel}.TIF", image, photometric="minisblack"
                )
    return folder


@pytest.fixture
def plate(tmp_path):
    return write_plate(tmp_path / "plate")
