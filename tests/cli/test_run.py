"""`platecast run`, `tune`, `runs` and `stop`, inside this process."""

import sys

import numpy as np
import pytest
import tifffile

from platecast.components import StepId
from platecast.pipeline._record import read_record
from platecast.stream._links import links
from tests.receiving import viewer_on

PIPELINE = """
import numpy as np
import platecast as pc

def add(image, amount=1):
    return image + np.uint16(amount)

def above(image, threshold):
    return image > threshold

def measure(labels):
    return {"area": [int(labels.sum())]}

pipeline = pc.Pipeline([pc.Step(add), pc.Step(above, threshold=3), measure])
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write a pipeline's file; its module and the path to it go with the test."""
    path = tmp_path / "own_pipeline.py"
    path.write_text(PIPELINE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield path
    sys.modules.pop("own_pipeline", None)


@pytest.fixture
def plate(tmp_path):
    folder = tmp_path / "plate"
    folder.mkdir()
    for value, well in enumerate(("A01", "A02", "B01")):
        image = np.full((6, 8), value, "uint16")
        tifffile.imwrite(folder / f"P1_{well}_s1_w1.TIF", image, photometric="minisblack")
    return folder


def test_run_writes_results_and_says_what_it_did(platecast, file, plate, tmp_path):
    done = platecast("run", file, "--plate", plate, "--output", tmp_path / "out", "--set", "add.amount=3")
    assert done.status == 0, done.errors
    assert "3 of 3" in done.out
    assert "finished" in done.out
    assert "3 of 3 wells, 6 results, 0 failures" in done.errors
    found = sorted(tifffile.imread(path)[0, 0] for path in (tmp_path / "out" / "Step_01_add").glob("*.tif"))
    assert found == [3, 4, 5]
    assert (tmp_path / "out" / "Step_03_measure.csv").read_text().splitlines() == [
        "plate,well,site,channel,area", "P1,A01,1,1,0", "P1,A02,1,1,48", "P1,B01,1,1,48",
    ]  # fmt: skip
    again = platecast(
        "run", file, "--plate", plate, "--output", tmp_path / "out", "--set", "add.amount=3", "--resume"
    )
    assert "0 of 3, 3 were done before" in again.out


def test_dry_run_checks_and_leaves_nothing(platecast, file, plate, tmp_path):
    options = ("--workers", "2", "--set", "napari_port=5777", "--set", "above.threshold=7", "--stream")
    done = platecast("run", file, "--plate", plate, "--output", tmp_path / "out", "--dry-run", *options)
    assert done.status == 0, done.errors
    lines = done.out.splitlines()
    assert "executor  processes, 2 workers" in lines
    assert "  Step_02_above: add -> (threshold=7) disk, shown on 5777" in lines
    table = [line.split() for line in lines]
    assert ["napari_streaming.napari_port", "5777", "command", "line"] in table
    assert ["napari_streaming.enabled", "True", "command", "line"] in table
    assert not (tmp_path / "out").exists()


def test_worker_processes_find_the_functions_of_the_file(platecast, file, plate, tmp_path):
    done = platecast("run", file, "--plate", plate, "--output", tmp_path / "out", "--workers", "2")
    assert done.status == 0, done.errors
    assert read_record(tmp_path / "out")["planes"] == {"in": 3, "written": 6}


WRONG = {
    "no value": (["--set", "add.amount"], "Error: --set add.amount: write NAME=VALUE"),
    "unknown name": (
        ["--set", "napari_prot=1"],
        "Error: --set napari_prot=1: there is no field 'napari_prot': did you mean 'napari_port'?",
    ),
    "unknown step": (
        ["--set", "abvoe.threshold=1"],
        "Error: --set abvoe.threshold=1: there is no step 'abvoe': did you mean above.threshold?",
    ),
    "parameter of nobody": (
        ["--set", "threshold=1"],
        "Error: --set threshold=1: whose 'threshold'? Write above.threshold=…",
    ),
    "wrong value": (
        ["--set", "napari_port=0"],
        "Error: command line: napari_streaming.napari_port='0': Input should be greater than or equal to 1",
    ),
    "unknown parameter": (
        ["--set", "add.sigma=1"],
        "Error: the pipeline cannot run: - step 'add' cannot be called with its inputs and parameters: got an"
        " unexpected keyword argument 'sigma'",
    ),
}


@pytest.mark.parametrize(("options", "reason"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_set(platecast, file, plate, tmp_path, options, reason):
    done = platecast("run", file, "--plate", plate, "--output", tmp_path / "out", *options)
    assert (done.status, " ".join(done.errors.split())) == (1, reason)


FILES = {
    "no pipeline": ("x = 1\n", "must define one platecast.Pipeline, and there are none"),
    "several": (
        f"{PIPELINE}\nother = pc.Pipeline([add])\nfirst, pipeline = pipeline, None\n",
        "must define one platecast.Pipeline, and there are other, first; call one of them 'pipeline'",
    ),
    "an error": ("import no_such_module\n", "cannot be imported: ModuleNotFoundError: No module named"),
}


@pytest.mark.parametrize(("text", "reason"), FILES.values(), ids=FILES)
def test_file_without_a_pipeline(platecast, file, plate, tmp_path, text, reason):
    file.write_text(text)
    done = platecast("run", file, "--plate", plate, "--output", tmp_path / "out")
    assert done.status == 1
    assert reason in " ".join(done.errors.split())


def test_tuned_step_is_shown_beside_the_old_one(platecast, file, plate, tmp_path, free_port):
    out = tmp_path / "out"
    common = (file, "--plate", plate, "--output", out, "--set", f"napari_port={free_port}")
    with viewer_on(free_port) as viewer:
        assert platecast("run", *common, "--stream").status == 0
        assert len(viewer.planes) == 12
        (run,) = {arrival.plane.run for arrival in viewer.planes}
        # What the first step wrote is used again.
        (out / "Step_01_add" / "plate-P1_well-B01_site-1_channel-1.tif").unlink()
        tifffile.imwrite(
            out / "Step_01_add" / "plate-P1_well-B01_site-1_channel-1.tif",
            np.full((6, 8), 100, "uint16"),
            photometric="minisblack",
        )
        done = platecast("tune", *common, "--step", "above", "--set", "threshold=50", "--well", "b1")
        assert done.status == 0, done.errors
        links.close_all()
    assert [arrival.plane.step for arrival in viewer.planes[12:]] == [
        StepId(2, "above_threshold-50"),
        StepId(3, "measure_threshold-50"),
    ]
    assert {arrival.plane.run for arrival in viewer.planes} == {run}
    (result,) = (out / "tuning" / "threshold-50" / "Step_02_above_threshold-50").glob("*.tif")
    assert tifffile.imread(result).all()
    assert len(list((out / "Step_02_above").glob("*.tif"))) == 3


def test_tuned_step_of_a_run_that_was_resumed_is_shown_beside_the_old_one(
    platecast, file, plate, tmp_path, free_port
):
    common = (file, "--plate", plate, "--output", tmp_path / "out", "--set", f"napari_port={free_port}")
    with viewer_on(free_port) as viewer:
        assert platecast("run", *common, "--stream").status == 0
        journal = tmp_path / "out" / "wells.jsonl"
        journal.write_text(journal.read_text().splitlines()[0] + "\n")
        assert "1 were done before" in platecast("run", *common, "--stream", "--resume").out
        tuned = platecast("tune", *common, "--step", "above", "--set", "threshold=1", "--well", "B01")
        assert tuned.status == 0, tuned.errors
        links.close_all()
    assert len(viewer.planes) == 12 + 8 + 2
    assert len({arrival.plane.run for arrival in viewer.planes}) == 1


def test_tuning_without_a_run_computes_every_step(platecast, file, plate, tmp_path, free_port, caplog):
    common = (file, "--plate", plate, "--output", tmp_path / "out", "--set", f"napari_port={free_port}")
    with viewer_on(free_port):
        assert (
            platecast("tune", *common, "--step", "above", "--set", "threshold=1", "--well", "B01").status == 0
        )
        links.close_all()
    assert f"{tmp_path / 'out'} holds no results of a run: all steps are computed" in caplog.messages


def test_many_failures_are_listed_in_part(platecast, tmp_path, file, plate):
    for number in range(2, 15):
        image = np.zeros((6, 8), "uint16")
        tifffile.imwrite(plate / f"P1_A01_s{number}_w1.TIF", image, photometric="minisblack")
    file.write_text(PIPELINE.replace("return image + np.uint16(amount)", "raise RuntimeError('no licence')"))
    done = platecast("run", file, "--plate", plate, "--output", tmp_path / "out")
    assert done.status == 1
    assert sum(line.startswith("failed") for line in done.out.splitlines()) == 10 + 1
    assert "and 6 more, all of them with tracebacks in the record" in done.out


def test_tuning_needs_a_well(platecast, file, plate, tmp_path, free_port):
    common = (file, "--plate", plate, "--output", tmp_path / "out", "--set", f"napari_port={free_port}")
    done = platecast("tune", *common, "--step", "above", "--set", "threshold=50")
    assert " ".join(done.errors.split()) == (
        f"Error: no viewer on port {free_port} shows a well: name one, wells=['A01']"
    )
    done = platecast("tune", *common, "--step", "above", "--set", "threshold=50", "--well", "H12")
    assert "Error: the plate has no well H12: there are A01, A02, B01" in " ".join(done.errors.split())


def test_no_pipeline_is_running(platecast):
    assert platecast("runs").out == "no pipeline is running\n"
    assert platecast("runs", "--json").out == "[]\n"
    done = platecast("stop")
    assert (done.status, done.errors) == (1, "Error: no pipeline is running\n")
