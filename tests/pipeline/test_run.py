"""A plate goes through a pipeline, in every executor the same, whatever fails on the way."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from platecast.components import Components, StepId, parse_name
from platecast.pipeline import Pipeline, Step, run

EXECUTORS = {"serial": 1, "processes": 2, "dask": 2}


@pytest.fixture(scope="module", autouse=True)
def _shared_cluster(dask_client):
    """Start the cluster before the first test, which would otherwise have to end it."""


@pytest.fixture(params=EXECUTORS)
def run_here(request, dask_client):
    """Run with each of the executors; all of them do the same."""
    name = request.param
    executor = dask_client if name == "dask" else name
    if executor is None:
        pytest.skip("needs the extra 'dask'")

    def run_with(pipeline, plate, output, **options):
        return run(pipeline, plate, output, EXECUTORS[name], executor=executor, **options)

    return run_with


def results(folder):
    """Return the value of the first pixel of every result, by folder and components."""
    return {
        (path.parent.name, parse_name(path.name)): tifffile.imread(path)[0, 0]
        for path in folder.rglob("*.tif")
    }


def plane(well, site, channel):
    return Components(plate="P1", well=well, site=site, channel=channel)


def test_every_step_writes_every_plane(run_here, plate, tmp_path, steps):
    pipeline = Pipeline([Step(steps.add, amount=10), steps.double])
    report = run_here(pipeline, plate, tmp_path / "out")
    assert report.ok
    assert (report.wells, report.planes_in, report.planes_written) == (2, 8, 16)
    assert report.output == tmp_path / "out"
    assert report.images_per_s > 0
    found = results(tmp_path / "out")
    assert len(found) == 16
    assert found["Step_01_add", plane("A01", 1, 1)] == 10
    assert found["Step_02_double", plane("B02", 2, 2)] == 34


def test_nothing_is_sent_when_nothing_is_to_be_shown(run_here, plate, tmp_path):
    report = run_here(Pipeline([np.negative]), plate, tmp_path / "out")
    assert report.planes_sent == report.planes_shown == report.planes_pending == 0


def test_planes_that_a_step_is_not_for_end_before_it(run_here, plate, tmp_path, steps):
    pipeline = Pipeline([Step(steps.add, only={"channel": 2}), steps.double])
    report = run_here(pipeline, plate, tmp_path / "out")
    assert report.ok
    assert report.planes_written == 8
    assert {components.channel for _, components in results(tmp_path / "out")} == {2}


def test_failing_plane_is_reported_and_the_rest_goes_on(run_here, plate, tmp_path, steps):
    pipeline = Pipeline([steps.add, Step(steps.fail_on_value, value=3), steps.double])
    report = run_here(pipeline, plate, tmp_path / "out")
    (failure,) = report.failures
    assert not report.ok
    assert (failure.well, failure.step) == ("A01", StepId(2, "fail_on_value"))
    assert failure.components == plane("A01", 2, 1)
    assert failure.error == "RuntimeError: value 3 is not for me"
    assert "in fail_on_value" in failure.traceback
    assert "channel 1, step 2 fail_on_value: RuntimeError" in str(failure)
    assert report.planes_written == 8 + 7 + 7


def test_failures_that_are_alike_are_logged_a_few_times(plate, tmp_path, caplog):
    def fail(image):
        raise RuntimeError("no licence")

    report = run(Pipeline([fail]), plate, tmp_path / "out")
    assert len(report.failures) == 8
    said = [record.message for record in caplog.records]
    assert [line.endswith("step 1 fail: RuntimeError: no licence") for line in said] == [True] * 3 + [False]
    assert said[3] == "more of this kind are in the record: RuntimeError: no licence"


def test_step_that_exits_fails_its_plane_only(run_here, plate, tmp_path, steps):
    report = run_here(Pipeline([Step(steps.exit_on_value, value=3)]), plate, tmp_path / "out")
    assert [failure.error for failure in report.failures] == ["SystemExit: 3"]
    assert report.planes_written == 7


def test_unreadable_image_is_reported_as_such(run_here, plate, tmp_path):
    (plate / "P1_B02_s2_w1.TIF").write_bytes(b"not an image")
    report = run_here(Pipeline([np.negative]), plate, tmp_path / "out")
    (failure,) = report.failures
    assert (failure.step, failure.components) == (StepId(0, "raw"), plane("B02", 2, 1))
    assert failure.error.startswith("StorageError: ")
    assert report.planes_written == 7


def test_progress_comes_after_every_well(run_here, plate, tmp_path):
    seen = []
    report = run_here(Pipeline([np.negative]), plate, tmp_path / "out", on_progress=seen.append)
    assert [(each.wells_done, each.wells_total) for each in seen] == [(1, 2), (2, 2)]
    assert [(each.planes_done, each.planes_total) for each in seen] == [(4, 8), (8, 8)]
    assert {each.well for each in seen} == {"A01", "B02"}
    assert {each.run for each in seen} == {report.run}


def test_failing_observer_does_not_stop_the_run(plate, tmp_path, caplog):
    calls = []

    def observe(progress):
        calls.append(progress)
        raise RuntimeError("the window is gone")

    report = run(Pipeline([np.negative]), plate, tmp_path / "out", on_progress=observe)
    assert report.ok
    assert len(calls) == 1
    assert "the window is gone" in caplog.text


BAD_RESULTS = {
    "nothing": (lambda image: None, None, "NoneType is not an array"),
    "a number": (lambda image: image.mean(), None, "not a plane"),
    "a stack": (lambda image: np.zeros((2, 6, 8)), None, "not a plane"),
    "negative labels": (lambda image: image.astype("int32") - 1, None, "must not be negative"),
    "labels with fractions": (lambda image: image / 2, "labels", "labels must be integers"),
}


@pytest.mark.parametrize(("func", "kind", "reason"), BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_result_that_is_no_plane_is_a_failure(plate, tmp_path, func, kind, reason):
    report = run(Pipeline([Step(func, name="odd", kind=kind)]), plate, tmp_path / "out")
    assert reason in report.failures[0].error


SAVED_DTYPES = {
    "labels are unsigned": (np.int32, None, "uint16"),
    "masks are bytes": (np.bool_, None, "uint8"),
    "images stay": (np.float64, None, "float64"),
    "an image of int32 stays": (np.int32, "image", "int32"),
    "half precision is widened": (np.float16, None, "float32"),
}


@pytest.mark.parametrize(("dtype", "kind", "expected"), SAVED_DTYPES.values(), ids=SAVED_DTYPES)
def test_dtype_of_results(plate, tmp_path, dtype, kind, expected):
    step = Step(lambda image: image.astype(dtype), name="cast", kind=kind)
    assert run(Pipeline([step]), plate, tmp_path / "out").ok
    path = next((tmp_path / "out" / "Step_01_cast").iterdir())
    assert tifffile.imread(path).dtype == np.dtype(expected)


def test_next_step_gets_what_the_last_one_returned(plate, tmp_path):
    seen = []

    def inspect(image):
        seen.append(image.dtype.name)
        return image

    run(Pipeline([Step(lambda image: image > 3, name="mask"), inspect]), plate, tmp_path / "out")
    assert set(seen) == {"bool"}


def test_later_run_replaces_results_and_has_another_name(plate, tmp_path, steps):
    first = run(Pipeline([Step(steps.add, amount=1)]), plate, tmp_path / "out")
    second = run(Pipeline([Step(steps.add, amount=5)]), plate, tmp_path / "out")
    assert first.run != second.run
    assert results(tmp_path / "out")["Step_01_add", plane("A01", 1, 1)] == 5


def test_killed_worker_loses_the_wells_in_its_hands_and_no_others(tmp_path, steps, caplog):
    plate = tmp_path / "plate"
    plate.mkdir()
    wells = [f"A{column:02d}" for column in range(1, 9)]
    for value, well in enumerate(wells):
        image = np.full((6, 8), value, "uint16")
        tifffile.imwrite(plate / f"P1_{well}_s1_w1.TIF", image, photometric="minisblack")
    seen = []
    pipeline = Pipeline([Step(steps.die_on_value, value=2)])
    report = run(pipeline, plate, tmp_path / "out", 2, on_progress=seen.append)
    lost = {failure.well for failure in report.failures}
    assert lost == {"A03"}
    assert all("worker process ended" in failure.error for failure in report.failures)
    assert len(seen) == report.wells == 8
    written = {components.well for _, components in results(tmp_path / "out")}
    assert set(wells) - lost <= written
    assert not list(Path(tmp_path / "out").rglob("*.part"))


def test_workers_that_cannot_start_lose_every_well(plate, tmp_path, steps, monkeypatch):
    pipeline = Pipeline([steps.add])
    module = Path(steps.__file__)
    module.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    report = run(pipeline, plate, tmp_path / "out", 2)
    assert {failure.well for failure in report.failures} == {"A01", "B02"}
    assert report.planes_written == 0
