"""Whatever can be known before a run is said before it, all at once and in these words."""

import errno
import os
import socket
import subprocess
import sys
import threading
import types

import numpy as np
import psutil
import pytest
import tifffile

from platecast.config import NapariStreamingConfig, PipelineConfig, StepConfig
from platecast.errors import PipelineError
from platecast.pipeline import Pipeline, Step, compile_run


def blur(image, sigma=1.0):
    return image


def measure(labels, image):
    return {"n": [1]}


def crop(image, size):
    return image


def streaming(**choices):
    return PipelineConfig(napari_streaming=NapariStreamingConfig(**choices))


def reasons(*args, **kwargs):
    """Return what is wrong, one line each."""
    with pytest.raises(PipelineError) as caught:
        compile_run(*args, **kwargs)
    first, *lines = str(caught.value).split("\n- ")
    assert first == "the pipeline cannot run:"
    return lines


STEPS = {
    "same name": (
        [Step(blur), Step(blur)],
        "2 steps are named 'blur': give each a name of its own, Step(..., name=...)",
    ),
    "name of the input": (
        [Step(blur, name="raw")],
        "a step is named 'raw' like its input: give each a name of its own, Step(..., name=...)",
    ),
    "name that is no folder": (
        [Step(blur, name="a/b")],
        "the step name 'a/b' cannot name a folder: use letters, digits, '_', '-', '+' and '.'",
    ),
    "output that is no folder": (
        [Step(blur, outputs=["a b"])],
        "the step name 'blur_a b' cannot name a folder: use letters, digits, '_', '-', '+' and '.'",
    ),
    "unknown parameter": (
        [Step(blur, sgima=2)],
        "step 'blur' cannot be called with its inputs and parameters:"
        " got an unexpected keyword argument 'sgima': did you mean 'sigma'?",
    ),
    "missing parameter": (
        [Step(crop)],
        "step 'crop' cannot be called with its inputs and parameters: missing a required argument: 'size'",
    ),
    "missing input": (
        [Step(blur), Step(measure, inputs="raw")],
        "step 'measure' cannot be called with its inputs and parameters:"
        " missing a required argument: 'image'",
    ),
    "unknown input": (
        [Step(blur), Step(crop, inputs="blurr", size=1)],
        "step 'crop' takes 'blurr', which no step before it makes: did you mean 'blur'?",
    ),
    "later input": (
        [Step(blur, inputs="crop"), Step(crop, size=1)],
        "step 'blur' takes 'crop', which no step before it makes: there are raw",
    ),
    "unknown component": (
        [Step(blur, only={"colour": 1})],
        "step 'blur' is limited to a component 'colour' that does not exist:"
        " choose from plate, well, site, channel, z_index, timepoint",
    ),
    "value that no image has": (
        [Step(blur, only={"channel": "DAPI"})],
        "step 'blur' is limited to channel='DAPI', which no image has: there are 1, 2",
    ),
    "axis of wells": (
        [Step(blur, over="well")],
        "step 'blur' goes over 'well', which has no axis: choose from site, channel, z_index, timepoint",
    ),
    "axis that is absent": (
        [Step(blur, over="z_index")],
        "step 'blur' goes over z_index, which no image has",
    ),
    "well that is not there to show": (
        [Step(blur, config=StepConfig(stream_wells=("H12",)))],
        "step 'blur': stream_wells is limited to well='H12', which no image has: there are 'A01', 'B02'",
    ),
    "layers of what is not there": (
        [Step(blur, config=NapariStreamingConfig(timepoint_mode="slice"))],
        "step 'blur': timepoint_mode='slice' makes a layer of each timepoint, and no image has one",
    ),
}


@pytest.mark.parametrize(("steps", "reason"), STEPS.values(), ids=STEPS)
def test_step_that_cannot_run(plate, tmp_path, steps, reason):
    assert reasons(Pipeline(steps), plate, tmp_path / "out") == [reason]
    assert not (tmp_path / "out").exists(), "a check must leave nothing behind"


RUNS = {
    "no worker": ({"workers": 0}, "workers=0: a whole number is needed, and at least one"),
    "a text": ({"workers": "2"}, "workers='2': a whole number is needed, and at least one"),
    "executor": (
        {"executor": "slurm"},
        "executor='slurm' is not known: choose from serial, processes, dask, or give a scheduler's address",
    ),
    "serial with several": ({"workers": 2, "executor": "serial"}, "executor='serial' has one worker, not 2"),
}


@pytest.mark.parametrize(("options", "reason"), RUNS.values(), ids=RUNS)
def test_workers_that_cannot_be(plate, tmp_path, options, reason):
    assert reasons(Pipeline([np.negative]), plate, tmp_path / "out", **options) == [reason]


def test_every_reason_is_listed(tmp_path):
    pipeline = Pipeline([Step(blur, sgima=2), Step(blur, name="blur?")])
    (tmp_path / "out").touch()
    found = reasons(pipeline, tmp_path / "absent", tmp_path / "out", workers=0)
    assert [line.split(":")[0] for line in found] == [
        "the step name 'blur?' cannot name a folder",
        "step 'blur' cannot be called with its inputs and parameters",
        f"there is no plate folder {tmp_path / 'absent'}",
        f"the output {tmp_path / 'out'} is a file",
        "workers=0",
    ]


def test_folder_without_images(tmp_path):
    (tmp_path / "plate").mkdir()
    assert reasons(Pipeline([blur]), tmp_path / "plate", tmp_path / "out") == [
        f"{tmp_path / 'plate'} holds no images whose names are known: see platecast.parse_name for what is"
    ]


def test_two_measurements_of_one_plate(plate, tmp_path):
    (plate / "again").mkdir()
    (plate / "again" / "P1_A01_s1_w1.TIF").write_bytes((plate / "P1_A01_s1_w1.TIF").read_bytes())
    first, second = sorted(
        [str(plate / "P1_A01_s1_w1.TIF"), os.path.join(plate, "again", "P1_A01_s1_w1.TIF")]
    )
    assert reasons(Pipeline([blur]), plate, tmp_path / "out") == [
        "1 images have the same components as another one, and their results would overwrite each other,"
        f" such as {first} and {second}: run one measurement at a time"
    ]


def test_output_inside_the_plate(plate):
    assert reasons(Pipeline([blur]), plate, plate / "results") == [
        f"the output {plate / 'results'} lies inside the plate {plate},"
        " where results would be taken for images"
    ]


def test_output_that_is_a_file(plate, tmp_path):
    (tmp_path / "out").touch()
    assert reasons(Pipeline([blur]), plate, tmp_path / "out") == [
        f"the output {tmp_path / 'out'} is a file: give a folder, or a store that ends in .zarr"
    ]


def test_output_that_cannot_be_written_to(plate, tmp_path):
    (tmp_path / "file").touch()
    assert reasons(Pipeline([blur]), plate, tmp_path / "file" / "out") == [
        f"the output {tmp_path / 'file' / 'out'} cannot be written to:"
        f" {tmp_path / 'file' / 'out'}: {os.strerror(errno.ENOTDIR)}"
    ]


def test_plate_that_is_a_file(plate, tmp_path):
    image = next(plate.iterdir())
    assert reasons(Pipeline([blur]), image, tmp_path / "out") == [
        f"the plate {image} is a file: give the folder it lies in"
    ]


def test_what_is_no_pipeline(plate, tmp_path):
    with pytest.raises(PipelineError, match=r"^run\(\) needs a Pipeline, not \[.*\]: Pipeline\(\[...\]\)$"):
        compile_run([blur], plate, tmp_path / "out")


UNFIT = {
    "no name": (
        lambda: Step(lambda image: image, name="same"),
        "step 'same': worker processes cannot import 'UNFIT.<locals>.<lambda>', which is not at the top of a"
        " module: move it to the top of a module, or take executor='serial' or 'dask'",
    ),
    "a lock": (
        lambda: Step(blur, sigma=threading.Lock()),
        "step 'blur': worker processes cannot be handed 'sigma', a lock: make it in the function, or take"
        " executor='serial'",
    ),
}


@pytest.mark.parametrize(("make", "reason"), UNFIT.values(), ids=UNFIT)
def test_step_that_no_worker_process_can_have(plate, tmp_path, make, reason):
    step = make()
    found = reasons(Pipeline([step]), plate, tmp_path / "out", workers=2)
    assert found == [reason.replace("'UNFIT.<locals>.<lambda>'", repr(step.func.__qualname__))]
    assert compile_run(Pipeline([step]), plate, tmp_path / "out").executor == "serial"


SESSIONS = {
    "typed": (
        {},
        "step 'blur': worker processes cannot import 'blur', which was written in a session: move it to the"
        " top of a module, or take executor='serial' or 'dask'",
    ),
    "from standard input": (
        {"__file__": "<stdin>"},
        "worker processes cannot import <stdin>: write the script to a file, or take executor='serial'",
    ),
}


@pytest.mark.parametrize(("names", "reason"), SESSIONS.values(), ids=SESSIONS)
def test_session_without_a_file(plate, tmp_path, monkeypatch, names, reason):
    session = types.ModuleType("__main__")
    vars(session).update(names)
    exec("def blur(image):\n    return image\n", vars(session))  # noqa: S102 -- what a notebook does
    monkeypatch.setitem(sys.modules, "__main__", session)
    assert reasons(Pipeline([session.blur]), plate, tmp_path / "out", workers=2) == [reason]


UNGUARDED = """
import sys
import platecast as pc

def same(image):
    return image

pc.run(pc.Pipeline([same]), *sys.argv[1:], workers=2)
"""


def test_script_that_runs_whenever_it_is_imported(plate, tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, script, plate, tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    reason = (
        "- run() is called while a worker process imports the script: call it under if __name__ == '__main__'"
    )
    assert reason in done.stderr.splitlines()
    assert "bootstrapping phase" not in done.stderr


def test_scheduler_that_nobody_is(plate, tmp_path, free_port):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    address = f"tcp://127.0.0.1:{free_port}"
    assert reasons(Pipeline([blur]), plate, tmp_path / "out", executor=address) == [
        f"no Dask scheduler can be reached at {address}: {os.strerror(errno.ECONNREFUSED)}"
    ]


def test_images_without_a_well_and_a_store(plate, tmp_path):
    for path in plate.iterdir():
        path.unlink()
    path = plate / "img_channel000_position001_time000000002_z003.tif"
    tifffile.imwrite(path, np.ones((4, 4), "uint16"), photometric="minisblack")
    pipeline = Pipeline([Step(blur, config=StepConfig(backend="zarr"))])
    assert reasons(pipeline, plate, tmp_path / "out") == [
        "1 images name no well, and an OME-Zarr plate has nothing outside its wells, such as"
        f" {path}: give a folder, and results are TIFF files"
    ]


def test_port_that_a_stranger_has(plate, tmp_path, free_port):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", free_port + 1000))
        stranger.listen()
        (reason,) = reasons(Pipeline([blur], streaming(napari_port=free_port)), plate, tmp_path / "out")
    assert reason == (
        f"no viewer can be started on napari_port={free_port}: port {free_port + 1000} is taken by process"
        f" {os.getpid()} ({psutil.Process().name()}), choose another one"
    )


def test_viewer_host_that_cannot_be_reached(plate, tmp_path):
    with pytest.raises(OSError) as refusal:  # noqa: PT011 -- whatever this machine says of such a name
        socket.getaddrinfo("no-such-host.invalid", 6555)
    there = streaming(napari_host="no-such-host.invalid")
    assert reasons(Pipeline([blur], there), plate, tmp_path / "out") == [
        "no pairing with a viewer at no-such-host.invalid, port 5555: there, run `platecast start --listen"
        " ADDRESS`; here, `platecast pair` with the string that it prints",
        f"no viewer can be reached on no-such-host.invalid, port 6555: {refusal.value.strerror}",
    ]


def test_settings_that_are_wrong_elsewhere_are_listed_too(plate, tmp_path):
    (plate / "platecast.toml").write_text("worker = 3\nstored = 7\n")
    assert reasons(Pipeline([Step(blur, sgima=2)]), plate, tmp_path / "out") == [
        STEPS["unknown parameter"][1],
        f"{plate / 'platecast.toml'}: stored=7: Input should be a valid boolean, unable to interpret input",
        f"{plate / 'platecast.toml'}: worker: there is no such field: did you mean 'workers'?",
    ]


def test_run_that_can_start_is_described(plate, tmp_path):
    pipeline = Pipeline(
        [
            Step(blur, sigma=2, only={"channel": [2, 1], "site": 1}),
            Step(
                blur,
                name="again",
                over="channel",
                inputs="raw",
                config=StepConfig(stored=False, stream_wells=("B02",)),
            ),
        ],
        streaming(napari_port=5999),
    )
    lines = compile_run(pipeline, plate, tmp_path / "out").describe().splitlines()
    assert lines[:6] == [
        f"plate     {plate}: 2 wells, 8 images",
        f"output    {tmp_path / 'out'}",
        "executor  serial, 1 worker",
        "steps",
        "  Step_01_blur: raw of channel 1, 2 and site 1 -> (sigma=2) disk, shown on 5999",
        "  Step_02_again: raw over channel -> () not stored, shown on 5999 of well B02",
    ]
    assert [line.split() for line in lines if "napari_port" in line] == [
        ["napari_streaming.napari_port", "5999", "pipeline"]
    ]
    assert [line.split() for line in lines[-3:]] == [
        ["settings", "of", "step", "'again'"],
        ["stored", "False", "step"],
        ["stream_wells", "B02", "step"],
    ]
    assert not (tmp_path / "out").exists()
