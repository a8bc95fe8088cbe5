"""The demo as a user runs it: one command, and everything is on screen."""

import io
import json

import numpy as np
import pytest

pytest.importorskip("PIL", reason="needs the extra 'viewer'")
pytest.importorskip("napari", reason="needs the extra 'viewer'")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from PIL import Image

from platecast.demo import make_plate
from platecast.wire import process_start_time
from tests.receiving import sums_match
from tests.terminal import Terminal, all_gone

STEPS = ("Step_01_subtract_background", "Step_02_gaussian_blur", "Step_03_segment_nuclei")


@pytest.fixture
def terminal():
    with Terminal() as terminal:
        yield terminal


def test_headless_demo_shows_everything_and_leaves_nothing(terminal, free_port, tmp_path):
    output, report = tmp_path / "out", tmp_path / "report.json"
    options = ("--report", report, "--output", output, "--port", free_port)
    with terminal.start("-m", "platecast", "demo", "--headless", *options) as process:
        window = terminal.window(free_port)
        processes = [window.process, *window.screens()]
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert len(processes) == 2
    assert all_gone(processes)
    assert terminal.files_left() == []

    facts = json.loads(report.read_bytes())
    images = 16 * 2 * 2 * 3
    assert facts["planes_sent"] == facts["planes_shown"] == 3 * images + images // 2
    assert facts["planes_dropped"] == facts["planes_pending"] == facts["planes_failed"] == 0
    assert facts["seconds"] > 0
    assert facts["images_per_s"] > 1
    assert (facts["viewer_pid"], facts["port"]) == (window.endpoint.pid, free_port)
    assert facts["failures"] == []
    written = {step: len(list((output / "results" / step).glob("*.tif"))) for step in STEPS}
    assert facts["output"] == str(output / "results")
    assert list(written.values()) == [images, images, images // 2]
    assert facts["screenshot"] == str(output / "screenshot.png")
    check_picture((output / "screenshot.png").read_bytes())


def check_picture(png):
    """Check that images and labels can be seen on a picture of the window.

    Images are cyan and magenta, added up: red or green is never without blue, nor on the window's frame.
    Labels have colours of their own.
    """
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB"), int), 2, 0)
    assert red.shape[0] > 600
    assert red.shape[1] > 800
    assert np.count_nonzero((red > 100) & (blue > 100) & (green < 40)) > 5_000, "no cells"
    assert np.count_nonzero((green > blue + 25) | (red > blue + 25)) > 1_000, "no labels"


def test_second_demo_uses_the_first_ones_viewer(terminal, free_port, tmp_path):
    plate = make_plate(tmp_path, wells=2, sites=1, z=2, size=128)
    options = ("--keep", "--workers", 1, "--plate", plate, "--port", free_port, "--output", tmp_path / "out")
    first, second = (terminal.demo(*options, report=tmp_path / f"{number}.json") for number in (1, 2))
    assert first["viewer_pid"] == second["viewer_pid"]
    assert first["run"] != second["run"]

    window = terminal.window(free_port)
    layers = window.layers()
    of_first, of_second = (
        {layer["name"]: layer for layer in layers if layer["run"] == run["run"]} for run in (first, second)
    )
    assert len(of_first) == len(of_second) == 7
    assert {
        "Step_00_raw_Channel_1",
        "Step_02_gaussian_blur_Channel_1",
        "Step_02_gaussian_blur_Channel_2",
        "Step_03_segment_nuclei_Channel_1_labels",
    } <= of_first.keys()
    assert {layer["planes"] for layer in layers} == {4}
    assert not any(layer["visible"] for layer in of_first.values())
    seen = {(*layer["step"], layer["kind"]) for layer in of_second.values() if layer["visible"]}
    assert seen == {(2, "gaussian_blur", "image"), (3, "segment_nuclei", "labels")}

    window.wait_ready()  # on a machine that does other things, too, it may be busy with its layers
    (listed,) = json.loads(terminal.platecast("ls", "--json").stdout)
    assert (listed["port"], listed["pid"]) == (free_port, first["viewer_pid"])
    assert (listed["title"], listed["state"]) == ("platecast demo", "ready")
    assert listed["ledger"]["sent"] == listed["ledger"]["shown"] == 2 * 7 * 4
    assert sums_match(window.ledger())

    processes = [window.process, *window.screens()]
    assert len(processes) == 2
    done = terminal.platecast("quit")
    assert (done.returncode, done.stdout) == (0, f"viewer on port {free_port} is closed\n")
    assert process_start_time(first["viewer_pid"]) is None
    assert all_gone(processes)
    assert terminal.files_left() == []


def test_unknown_nuclei_channel_is_said_and_the_viewer_ends(terminal, free_port, tmp_path):
    plate = make_plate(tmp_path, wells=1, sites=1, z=1, size=64)
    options = ("--plate", plate, "--nuclei", "GFP", "--output", tmp_path / "out", "--port", free_port)
    done = terminal.platecast("demo", "--headless", *options)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: the plate has no channel 'GFP': there are 1")
    assert terminal.windows() == []
    assert terminal.files_left() == []
