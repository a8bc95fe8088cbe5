"""A pipeline that is killed: the viewer keeps what it has, nobody stays behind, and the next run goes on.

That nothing is left in shared memory is checked after every test, as everywhere.
"""

import os
import signal

import psutil
import pytest
import tifffile

pytest.importorskip("napari", reason="needs the extra 'viewer'")
pytest.importorskip("skimage", reason="the demo needs scikit-image")

from platecast.demo import make_plate
from platecast.storage import open_plate
from tests.receiving import sums_match
from tests.terminal import Terminal, all_gone, terminal_with_window
from tests.waiting import wait_until

WELLS, SITES, SLICES = 16, 2, 3
LAYERS = 3 + 4
"""Of the demo: raw images and two steps of two channels, and labels of one."""

NEVER_DONE = """
import itertools
import sys
import threading

import platecast as pc

seen = itertools.count()

def pass_some(image):
    if next(seen) >= 40:
        threading.Event().wait()
    return image

if __name__ == "__main__":
    plate, output, port = sys.argv[1:]
    config = pc.PipelineConfig(napari_streaming=pc.NapariStreamingConfig(napari_port=int(port)))
    pc.run(pc.Pipeline([pass_some], config=config), plate=plate, output=output, workers=2)
"""
"""Each of two workers gets 40 of the 192 images done, which makes it sure that it is killed while it runs."""


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    return make_plate(tmp_path_factory.mktemp("plate"), wells=WELLS, sites=SITES, z=SLICES, size=128)


@pytest.fixture(scope="module")
def small_plate(tmp_path_factory):
    return make_plate(tmp_path_factory.mktemp("plate"), wells=2, sites=1, z=1, size=128)


@pytest.fixture(scope="module")
def opened(find_free_port):
    with terminal_with_window(find_free_port()) as (terminal, window):
        yield terminal, window


def kill_group(process):
    os.killpg(process.pid, signal.SIGKILL)


def kill_main(process):
    process.kill()


@pytest.mark.parametrize("kill", [kill_group, kill_main])
def test_viewer_outlives_a_run_that_is_killed(opened, plate, small_plate, tmp_path, kill):
    terminal, window = opened
    before = window.ledger()
    known = {layer["run"] for layer in window.layers()}
    port = window.endpoint.port
    script = tmp_path / "never_done.py"
    script.write_text(NEVER_DONE)
    with terminal.start(script, plate, tmp_path / "killed", port, own_group=True) as process:
        wait_until(lambda: window.ledger().shown >= before.shown + 20, "planes are shown", 40)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert process.poll() is None
        kill(process)
        assert all_gone(workers), "workers must not outlive the process that started them"
    assert workers

    ledger = wait_until(lambda: settled(window), "every plane is accounted for", 20)
    assert sums_match(ledger)
    assert ledger.sent - before.sent <= 2 * (40 + 41)
    assert ledger.shown - before.shown >= 20
    assert window.ask("ping")[0]["state"] == "ready"
    layers = [layer for layer in window.layers() if layer["run"] not in known and layer["step"][0] == 0]
    first = open_plate(plate).images[0]
    name = next(layer["name"] for layer in layers if layer["sliced"] == {"channel": 1})
    assert (window.read(name, first.components) == tifffile.imread(first.path)).all()

    options = ("--plate", small_plate, "--output", tmp_path / "again", "--port", port, "--workers", 1)
    again = terminal.demo(*options, report=tmp_path / "report.json")
    assert again["viewer_pid"] == window.endpoint.pid
    assert again["planes_shown"] == again["planes_sent"] == 2 * LAYERS
    ledger = window.ledger()
    assert sums_match(ledger)
    assert ledger.pending == 0


def settled(window):
    """Return the account once nothing is on the way."""
    ledger = window.ledger()
    return ledger if ledger.pending == 0 else None


ENDLESS = """
import sys
import threading

import platecast as pc

def wait(image):
    print("waiting", flush=True)
    threading.Event().wait()

if __name__ == "__main__":
    pc.run(pc.Pipeline([wait]), plate=sys.argv[1], output=sys.argv[2], workers=2)
"""


def test_worker_ends_with_its_run_even_inside_a_step(plate, tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    with Terminal() as terminal, terminal.start(script, plate, tmp_path / "out") as process:
        assert process.stdout.readline() == "waiting\n"
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert all_gone(workers)
