"""Whatever can be known before a run is said before it, all at once."""

import os

import numpy as np
import pytest

from platecast.errors import PipelineError
from platecast.pipeline import Pipeline, Step, run


def blur(image, sigma=1.0):
    return image


def reasons(*args, **kwargs):
    with pytest.raises(PipelineError) as caught:
        run(*args, **kwargs)
    return str(caught.value)


STEP_PROBLEMS = {
    "same name": ([Step(blur), Step(blur)], "2 steps are named 'blur'"),
    "lambda": ([Step(lambda image: image)], "'<lambda>' cannot name a folder"),
    "name with a slash": ([Step(blur, name="a/b")], "'a/b' cannot name a folder"),
    "unknown parameter": ([Step(blur, sgima=2)], "step 'blur' cannot be called .* 'sgima'"),
    "missing parameter": (
        [Step(lambda image, size: image, name="crop")],
        "missing a required argument: 'size'",
    ),
    "unknown component": ([Step(blur, only={"colour": 1})], "component 'colour' that does not exist"),
    "value that no image has": ([Step(blur, only={"channel": "DAPI"})], "channel='DAPI'.*there are 1, 2"),
}


@pytest.mark.parametrize(("steps", "reason"), STEP_PROBLEMS.values(), ids=STEP_PROBLEMS)
def test_step_that_cannot_run(plate, tmp_path, steps, reason):
    with pytest.raises(PipelineError, match=reason):
        run(Pipeline(steps), plate, tmp_path / "out")


def test_every_reason_is_listed(tmp_path):
    pipeline = Pipeline([Step(blur, sgima=2), Step(blur, name="blur?")])
    (tmp_path / "out").touch()
    message = reasons(pipeline, tmp_path / "absent", tmp_path / "out", workers=0)
    for reason in ("sgima", "'blur?'", "no plate folder", "cannot be written to", "workers=0"):
        assert reason in message


def test_folder_without_images(tmp_path):
    (tmp_path / "plate").mkdir()
    assert "holds no images" in reasons(Pipeline([blur]), tmp_path / "plate", tmp_path / "out")


def test_two_measurements_of_one_plate(plate, tmp_path):
    (plate / "again").mkdir()
    (plate / "again" / "P1_A01_s1_w1.TIF").write_bytes((plate / "P1_A01_s1_w1.TIF").read_bytes())
    message = reasons(Pipeline([blur]), plate, tmp_path / "out")
    assert "1 images have the same components" in message
    assert os.path.join("again", "P1_A01_s1_w1.TIF") in message


def test_output_inside_the_plate(plate):
    assert "lies inside the plate" in reasons(Pipeline([blur]), plate, plate / "results")


def test_output_that_is_a_file(plate, tmp_path):
    (tmp_path / "out").touch()
    assert "cannot be written to" in reasons(Pipeline([blur]), plate, tmp_path / "out")


def test_function_that_no_worker_can_import(plate, tmp_path):
    pipeline = Pipeline([Step(lambda image: image, name="same")])
    message = reasons(pipeline, plate, tmp_path / "out", workers=2)
    assert "step 'same' cannot be handed to worker processes" in message


def test_unknown_executor(plate, tmp_path):
    assert "executor='dask'" in reasons(Pipeline([np.negative]), plate, tmp_path / "out", executor="dask")


def test_serial_with_several_workers(plate, tmp_path):
    message = reasons(Pipeline([np.negative]), plate, tmp_path / "out", 2, executor="serial")
    assert "one worker, not 2" in message
