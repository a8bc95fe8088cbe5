"""The manager's window with real viewers: one that is still starting, and runs of other processes."""

import textwrap

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QSettings
from qtpy.QtWidgets import QMessageBox

from platecast.config import NapariStreamingConfig
from platecast.gui import ManagerWindow
from platecast.gui._viewers._start_dialog import StartRequest
from platecast.manager import find_viewer

IMAGES = 500


@pytest.fixture
def window(qtbot, tmp_path, runtime_dir):
    window = ManagerWindow(QSettings(str(tmp_path / "manager.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close_now()


def write_images(folder):
    folder.mkdir()
    wells = [f"{row}{column:02d}" for row in "ABCDE" for column in range(1, 11)]
    for well in wells:
        for site in range(1, 11):
            image = np.full((8, 8), site, "uint16")
            image[0, 0] = 0
            tifffile.imwrite(folder / f"P1_{well}_s{site}_w1.TIF", image, photometric="minisblack")
    return folder


def test_five_hundred_images_arrive_in_a_viewer_that_is_being_started(
    qtbot, window, tmp_path, free_port, quit_viewers
):
    page = window.images
    window.tabs.setCurrentWidget(page)
    page.open(str(write_images(tmp_path / "plate")))
    qtbot.waitUntil(lambda: page.model.rowCount() == IMAGES, timeout=20_000)
    page.sheet.selectAll()
    assert page.send_button.text() == "&Send 500 selected"
    page.send_button.click()
    window._dialog.reject()
    page._asked = page.images
    window._is_for_images = True
    target = window.start_viewer(
        StartRequest(free_port, False, "Late", True, None, NapariStreamingConfig(napari_port=free_port))
    )
    assert target.port is None
    assert f"{IMAGES} images: 0 shown, {IMAGES} waiting" in page.deliveries.texts[0]
    qtbot.waitUntil(lambda: f"{IMAGES} images: {IMAGES} shown" in page.deliveries.texts[0], timeout=90_000)
    viewer = find_viewer(free_port)
    assert viewer.ledger.shown == viewer.ledger.sent == IMAGES
    # The window knows it too, by push, and pictures it.
    qtbot.waitUntil(lambda: window.viewers.chosen is not None, timeout=10_000)
    qtbot.waitUntil(lambda: window.viewers.chosen.ledger.shown == IMAGES, timeout=10_000)
    window.viewers.take_picture()
    qtbot.waitUntil(lambda: window.viewers.picture.picture_size.width() > 500, timeout=20_000)
    # Whoever asks a viewer that is ended in the same moment does not wait for its answer.
    window.viewers.raise_action.trigger()
    window.viewers.kill_action.trigger()
    (box,) = window.viewers.findChildren(QMessageBox)
    next(each for each in box.buttons() if each.text() == "&End by force").click()
    qtbot.waitUntil(lambda: window.viewers.model.rowCount() == 0, timeout=10_000)
    qtbot.waitUntil(lambda: not window.background._open, timeout=5_000)
    assert "started the viewer" in window.log.text()


PIPELINE = """
import sys
import platecast as pc

def fail_in_b02(image):
    if image[0, 0] == 2:
        raise ValueError("not this one")
    return image

def wait(image):
    import pathlib, time
    while not pathlib.Path(sys.argv[3]).exists():
        time.sleep(0.01)
    return image

if __name__ == "__main__":
    steps = [pc.Step(fail_in_b02), *([pc.Step(wait)] if len(sys.argv) > 3 else [])]
    pc.run(pc.Pipeline(steps), plate=sys.argv[1], output=sys.argv[2])
"""


@pytest.fixture
def run_pipeline(start, tmp_path):
    """Return a function that starts the pipeline over a plate of three wells."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for value, well in enumerate(("A01", "B02", "C03"), start=1):
        tifffile.imwrite(folder / f"P1_{well}_s1_w1.TIF", np.full((6, 8), value, "uint16"))
    (tmp_path / "pipeline.py").write_text(textwrap.dedent(PIPELINE))
    return lambda *more: start(tmp_path / "pipeline.py", folder, tmp_path / "out", *more)


def test_run_of_another_process_is_followed_to_its_end(qtbot, window, run_pipeline, tmp_path):
    page = window.runs
    gate = tmp_path / "gate"
    process = run_pipeline(gate)
    qtbot.waitUntil(lambda: page.chosen is not None, timeout=20_000)
    assert page.chosen.is_running
    assert page.legend.text() == "3 waiting"
    assert page.stop_action.isEnabled()
    gate.touch()
    process.wait(20)
    qtbot.waitUntil(lambda: page.chosen.state == "finished", timeout=10_000)
    assert page.legend.text().startswith("2 done · 1 with failures")
    assert [page.failures.item(row).text() for row in range(page.failures.count())] == [
        "plate P1, well B02, site 1, channel 1, step 1 fail_in_b02: ValueError: not this one"
    ]
    assert "fail_in_b02" in page.traceback.toPlainText()
    assert not page.stop_action.isEnabled()
    page.grid.choose(["A01"])
    assert page.failures.count() == 0
    page.forget_action.trigger()
    assert page.model.rowCount() == 0


def test_run_is_stopped_and_one_that_is_killed_says_so(qtbot, window, run_pipeline, tmp_path):
    page = window.runs
    gate = tmp_path / "gate"
    process = run_pipeline(gate)
    qtbot.waitUntil(lambda: page.chosen is not None, timeout=20_000)
    page.stop_action.trigger()
    gate.touch()
    process.wait(20)
    qtbot.waitUntil(lambda: page.chosen.state in ("stopped", "finished"), timeout=10_000)
    gate.unlink()
    process = run_pipeline(gate)
    qtbot.waitUntil(lambda: page.model.rowCount() == 2, timeout=20_000)
    process.kill()
    process.wait()
    # Whoever lists the runs removes the file of one that was killed.
    qtbot.waitUntil(lambda: page.model.view_at(0).state == "ended early", timeout=10_000)
