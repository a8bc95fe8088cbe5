"""Whatever can be known before a run is said before it, all at once and in these words."""

import os
import socket

import numpy as np
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
        " got an unexpected keyword argument 'sgima'",
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
    "no worker": ({"workers": 0}, "workers=0: at least one is needed"),
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
        f"the output {tmp_path / 'out'} cannot be written to",
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
        f"the output {tmp_path / 'out'} cannot be written to: [Errno 17] File exists: '{tmp_path / 'out'}'"
    ]


def test_function_that_no_worker_can_import(plate, tmp_path):
    (reason,) = reasons(
        Pipeline([Step(lambda image: image, name="same")]), plate, tmp_path / "out", workers=2
    )
    assert reason.startswith("step 'same' cannot be handed to worker processes (")
    assert reason.endswith("): define its function at the top of a module, or run with executor='serial'")


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
    assert reason.startswith(
        f"no viewer can be started on napari_port={free_port}: port {free_port + 1000} is taken"
    )
    assert reason.endswith(", choose another one")


def test_viewer_host_that_cannot_be_reached(plate, tmp_path):
    there = NapariStreamingConfig.model_construct(
        {"napari_host"}, **{**dict(NapariStreamingConfig()), "napari_host": "no-such-host.invalid"}
    )
    from platecast.pipeline._workers import viewer_problems

    unpaired, unreachable = viewer_problems([there])
    assert "no-such-host.invalid" in unpaired
    assert unreachable.startswith("no viewer can be reached on no-such-host.invalid, port 6555: ")


def test_settings_that_are_wrong_elsewhere_are_listed_too(plate, tmp_path):
    (plate / "platecast.toml").write_text("worker = 3\nstored = 7\n")
    assert reasons(Pipeline([Step(blur, sgima=2)]), plate, tmp_path / "out") == [
        STEPS["unknown parameter"][1],
        f"{plate / 'platecast.toml'}: stored=7: Input should be a valid boolean, unable to interpret input",
        f"{plate / 'platecast.toml'}: worker: Extra inputs are not permitted: did you mean 'workers'?",
    ]


def test_run_that_can_start_is_described(plate, tmp_path):
    pipeline = Pipeline(
        [
            Step(blur, sigma=2),
            Step(blur, name="again", over="channel", inputs="raw", config=StepConfig(stored=False)),
        ],
        streaming(napari_port=5999),
    )
    lines = compile_run(pipeline, plate, tmp_path / "out").describe().splitlines()
    assert lines[:6] == [
        f"plate     {plate}: 2 wells, 8 images",
        f"output    {tmp_path / 'out'}",
        "executor  serial, 1 worker",
        "steps",
        "  Step_01_blur: raw -> (sigma=2) disk, shown on 5999",
        "  Step_02_again: raw over channel -> () not stored, shown on 5999",
    ]
    assert [line.split() for line in lines if "napari_port" in line] == [
        ["napari_streaming.napari_port", "5999", "pipeline"]
    ]
    assert [line.split() for line in lines[-2:]] == [
        ["settings", "of", "step", "'again'"],
        ["stored", "False", "step"],
    ]
    assert not (tmp_path / "out").exists()
