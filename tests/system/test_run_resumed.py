"""A run that was killed is completed by the next one, to the same bytes; a killed worker costs a retry.

And a step that is tuned appears beside the old one, for the well that the window shows.
"""

import json
import os
import signal

import numpy as np
import psutil
import pytest
import tifffile

from platecast.components import Components
from tests.terminal import Terminal, all_gone, terminal_with_window
from tests.waiting import wait_until

WELLS = 6
PIPELINE = """
import os
import time
from pathlib import Path

import numpy as np
import platecast as pc

def slow(image):
    folder = os.environ.get("SLOW_STEPS")
    if folder:
        Path(folder, f"{os.getpid()}").touch()
        time.sleep(0.1)
        while Path(folder, "hold").exists():
            time.sleep(0.01)
    return image + np.uint16(1)

def above(image, level=3):
    return image > level

def measure(labels):
    return {"area": int(labels.sum())}

pipeline = pc.Pipeline([slow, above, measure])
"""


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plate")
    for well in range(WELLS):
        for site in (1, 2):
            image = np.full((64, 64), 2 * well + site, "uint16")
            path = folder / f"P1_{'AB'[well // 3]}0{well % 3 + 1}_s{site}_w1.TIF"
            tifffile.imwrite(path, image, photometric="minisblack")
    return folder


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("modules") / "resumed_pipeline.py"
    path.write_text(PIPELINE)
    return path


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("run.json", "wells.jsonl")
    }


def wells_done(output):
    journal = output / "wells.jsonl"
    return len(journal.read_text().splitlines()) if journal.exists() else 0


def test_killed_run_is_completed(plate, file, tmp_path, monkeypatch):
    whole, killed, slow = tmp_path / "whole", tmp_path / "killed", tmp_path / "slow"
    slow.mkdir()
    common = ("run", file, "--plate", plate, "--workers", 2, "--output")
    with Terminal() as terminal:
        assert terminal.platecast(*common, whole).returncode == 0
    monkeypatch.setenv("SLOW_STEPS", str(slow))
    with Terminal() as terminal:
        with terminal.start("-m", "platecast", *common, killed) as process:
            wait_until(lambda: wells_done(killed) >= 2, "two wells are finished", 40)
            workers = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            assert all_gone(workers)
        done = wells_done(killed)
        assert 2 <= done < WELLS
        # A worker that is killed in the middle of the rest loses nothing.
        for path in slow.iterdir():
            path.unlink()
        with terminal.start("-m", "platecast", *common, killed, "--resume") as process:
            (victim, *_) = wait_until(lambda: list(slow.iterdir()), "a worker is at work", 40)
            os.kill(int(victim.name), signal.SIGKILL)
            out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert terminal.platecast("runs").stdout == "no pipeline is running\n"
        assert terminal.files_left() == []
    assert f"{WELLS - done} of {WELLS}, {done} were done before" in out
    assert tree(killed) == tree(whole)
    record = json.loads((killed / "run.json").read_bytes())
    assert record["wells"] == {"all": WELLS, "skipped": done, "done": WELLS - done}
    assert record["failures"] == []


@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_interrupt_of_the_whole_group_finishes_wells_that_were_begun(
    plate, file, tmp_path, monkeypatch, executor
):
    """A terminal sends Ctrl-C to every process of the group, and workers must not take it."""
    if executor == "dask":
        pytest.importorskip("distributed", reason="needs the extra 'dask'")
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "hold").touch()
    monkeypatch.setenv("SLOW_STEPS", str(slow))
    with Terminal() as terminal:
        common = ("run", file, "--plate", plate, "--output", tmp_path / "out", "--workers", 2)
        with terminal.start("-m", "platecast", *common, "--executor", executor, own_group=True) as process:
            wait_until(lambda: len(list(slow.iterdir())) > 2, "both workers are at work", 60)
            os.killpg(process.pid, signal.SIGINT)
            (slow / "hold").unlink()
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "Traceback" not in errors
        assert f"of {WELLS} wells; resume=True goes on from there" in " ".join(errors.split())
        assert terminal.files_left() == []
    assert 2 <= wells_done(tmp_path / "out") < WELLS


def test_run_is_stopped_from_another_terminal(plate, file, tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "hold").touch()
    monkeypatch.setenv("SLOW_STEPS", str(slow))
    with Terminal() as terminal:
        command = ("run", file, "--plate", plate, "--output", tmp_path / "out", "--workers", 2)
        with terminal.start("-m", "platecast", *command) as process:
            wait_until(lambda: len(list(slow.iterdir())) > 1, "a worker is at work", 40)
            (status,) = json.loads(terminal.platecast("runs", "--json").stdout)
            assert (status["pid"], status["state"], status["wells_total"]) == (process.pid, "running", WELLS)
            assert "stops after the wells that were begun" in terminal.platecast("stop").stdout
            (slow / "hold").unlink()
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "stopped" in out
        assert terminal.files_left() == []
    assert 0 < wells_done(tmp_path / "out") < WELLS


def test_tuned_step_of_the_well_on_screen(plate, file, tmp_path, free_port):
    pytest.importorskip("napari", reason="needs the extra 'viewer'")
    common = (file, "--plate", plate, "--output", tmp_path / "out", "--set", f"napari_port={free_port}")
    with terminal_with_window(free_port) as (terminal, window):
        done = terminal.platecast("run", *common, "--stream")
        assert done.returncode == 0, done.stderr
        window.ask("goto", well="B02", site=1)
        done = terminal.platecast("tune", *common, "--step", "above", "--set", "level=100")
        assert done.returncode == 0, done.stderr
        layers = {layer["name"]: layer for layer in window.layers()}
        old, new = "Step_02_above_Channel_1_labels", "Step_02_above_level-100_Channel_1_labels"
        assert {old, new} <= layers.keys()
        assert layers[old]["run"] == layers[new]["run"]
        assert layers[old]["visible"]
        assert (layers[old]["planes"], layers[new]["planes"]) == (2 * WELLS, 2)
        place = Components(well="B02", site=1)
        assert window.read(old, place).all()
        assert not window.read(new, place).any()
