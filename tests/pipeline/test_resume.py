"""A run that ended early is completed by the next one, and leaves what an undisturbed run leaves."""

import contextlib
import importlib
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from platecast.config import PipelineConfig, StepConfig
from platecast.pipeline import Pipeline, Step, list_runs, run, stop_run
from platecast.pipeline._record import read_journal, read_record
from tests.waiting import wait_until


def tree(folder):
    """Return the content of every result by its path; records tell of times, which differ."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("run.json", "wells.jsonl")
    }


def pipeline_of(steps, amount=1):
    return Pipeline(
        [
            Step(steps.add, amount=amount),
            Step(steps.halves, only={"channel": 1}),
            Step(steps.measure, inputs=("halves", "raw")),
        ]
    )


def forget(output, well):
    """Take a well back, as if the run had been killed before it was finished."""
    journal = output / "wells.jsonl"
    lines = [line for line in journal.read_text().splitlines() if f'"well":"{well}"' not in line]
    journal.write_text("".join(f"{line}\n" for line in lines) + '{"well":"B02","fing')
    for path in output.rglob(f"*{well}*"):
        path.unlink()


@pytest.mark.parametrize("workers", [1, 2])
def test_resumed_run_equals_an_undisturbed_one(plate, tmp_path, steps, workers):
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    assert run(pipeline_of(steps), plate, whole).ok
    assert run(pipeline_of(steps), plate, resumed, workers).ok
    forget(resumed, "B02")
    report = run(pipeline_of(steps), plate, resumed, workers, resume=True)
    assert report.ok
    assert (report.wells_skipped, report.wells_done) == (1, 1)
    assert tree(resumed) == tree(whole)
    # Its wells are shown in the layers of those that were done before.
    assert {entry.run for entry in read_journal(resumed)} == {report.run}
    assert run(pipeline_of(steps, amount=2), plate, resumed, resume=True).run != report.run


CHANGES = {
    "nothing": (lambda steps, plate: None, {}, 2),
    "a parameter": (lambda steps, plate: None, {"amount": 2}, 0),
    "an image": (lambda steps, plate: os.utime(plate / "P1_A01_s1_w1.TIF", ns=(1, 1)), {}, 1),
    "a result": (lambda steps, plate: (plate.parent / "out" / "Step_03_measure" / "A01.csv").unlink(), {}, 1),
}


@pytest.mark.parametrize(("change", "options", "skipped"), CHANGES.values(), ids=CHANGES)
def test_only_what_is_unchanged_is_skipped(plate, tmp_path, steps, change, options, skipped):
    run(pipeline_of(steps), plate, tmp_path / "out")
    change(steps, plate)
    assert run(pipeline_of(steps, **options), plate, tmp_path / "out", resume=True).wells_skipped == skipped


def test_changed_code_is_run_again(plate, tmp_path, steps):
    run(pipeline_of(steps), plate, tmp_path / "out")
    module = Path(steps.__file__)
    source = module.read_text().replace("np.uint16(amount)", "np.uint16(amount) + np.uint16(0)")
    module.write_text(source)
    changed = importlib.reload(steps)
    assert run(pipeline_of(changed), plate, tmp_path / "out", resume=True).wells_skipped == 0
    # What no step uses does not count.
    module.write_text(source + "\ndef unused():\n    return 1\n")
    again = importlib.reload(steps)
    assert run(pipeline_of(again), plate, tmp_path / "out", resume=True).wells_skipped == 2


def test_well_with_failures_is_tried_again(plate, tmp_path, steps):
    pipeline = Pipeline([Step(steps.fail_on_value, value=3)])
    assert len(run(pipeline, plate, tmp_path / "out").failures) == 1
    report = run(pipeline, plate, tmp_path / "out", resume=True)
    assert (report.wells_skipped, report.wells_done, len(report.failures)) == (1, 1, 1)


def test_record_tells_what_was_run(plate, tmp_path, steps):
    config = PipelineConfig(stream_input=False)
    step = Step(steps.fail_on_value, value=3, config=StepConfig(backend="disk"))
    report = run(Pipeline([step], config), plate, tmp_path / "out")
    assert report.record == tmp_path / "out" / "run.json"
    record = read_record(tmp_path / "out")
    assert (record["run"], record["state"]) == (report.run, "finished")
    assert record["wells"] == {"all": 2, "skipped": 0, "done": 2}
    assert record["planes"] == {"in": 8, "written": 7}
    assert record["steps"] == [
        {
            "index": 1,
            "name": "fail_on_value",
            "function": "plate_steps.fail_on_value",
            "parameters": {"value": 3},
            "inputs": ["raw"],
            "over": [],
            "only": {},
        }
    ]
    assert record["configuration"]["fail_on_value"]["origins"] == {
        "stream_input": "pipeline",
        "backend": "step",
    }
    assert {"python", "numpy", "platecast"} <= record["versions"].keys()
    assert {"read", "fail_on_value", "write"} <= record["seconds_in"].keys()
    (failure,) = record["failures"]
    assert failure["failure"].endswith("step 1 fail_on_value: RuntimeError: value 3 is not for me")
    assert "Traceback" in failure["traceback"]
    assert [entry.well for entry in read_journal(tmp_path / "out")] == ["A01", "B02"]


def test_run_can_be_followed_and_stopped_from_elsewhere(plate, tmp_path, steps):
    gate = tmp_path / "gate"
    reports = []
    pipeline = Pipeline([Step(steps.wait_for, path=str(gate))])
    thread = threading.Thread(target=lambda: reports.append(run(pipeline, plate, tmp_path / "out")))
    thread.start()
    wait_until(lambda: list(tmp_path.glob("gate.begun-*")), "the first well is begun")
    (status,) = list_runs()
    assert (status.pid, status.state, status.wells_total, status.planes_total) == (
        os.getpid(),
        "running",
        2,
        8,
    )
    assert (status.steps, status.executor, status.output) == (("wait_for",), "serial", str(tmp_path / "out"))
    assert stop_run(status.run[:-1]).run == status.run
    gate.touch()
    thread.join()
    (report,) = reports
    assert (report.state, report.ok, report.wells_done) == ("stopped", False, 1)
    assert list_runs() == []
    assert read_record(tmp_path / "out")["state"] == "stopped"
    assert run(pipeline, plate, tmp_path / "out", resume=True).wells_skipped == 1


def test_no_run_to_stop():
    with pytest.raises(ValueError, match=r"^no pipeline is running$"):
        stop_run("2026")


def test_file_of_a_run_that_was_killed_is_removed(plate, tmp_path, runtime_dir):
    folder = runtime_dir / "runs"
    folder.mkdir()
    stale = {
        "run": "2026", "pid": os.getpid(), "start_time": 1.0, "state": "running", "plate": "", "output": "",
        "steps": [], "executor": "serial", "workers": 1,
    }  # fmt: skip
    (folder / "2026.json").write_bytes(msgspec.json.encode(stale))
    assert list_runs() == []
    assert not folder.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_finishes_the_wells_that_were_begun(plate, tmp_path, steps, workers):
    gate = tmp_path / "gate"

    def interrupt():
        wait_until(lambda: len(list(tmp_path.glob("gate.begun-*"))) == workers, "wells are begun")
        os.kill(os.getpid(), signal.SIGINT)
        if workers > 1:
            wait_until(lambda: list_runs()[0].state == "stopping", "the run stops")
        gate.touch()

    pipeline = Pipeline([Step(steps.wait_for, path=str(gate))])
    thread = threading.Thread(target=interrupt)
    thread.start()
    with contextlib.ExitStack() as stack:
        # With two workers both wells are begun, and nothing is left to be stopped.
        if workers == 1:
            stack.enter_context(pytest.raises(KeyboardInterrupt, match="stopped after 1 of 2 wells"))
        run(pipeline, plate, tmp_path / "out", workers, executor="serial" if workers == 1 else "processes")
    thread.join()
    assert len(read_journal(tmp_path / "out")) == workers
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_well_whose_worker_was_killed_once_is_done(plate, tmp_path, steps):
    pipeline = Pipeline([Step(steps.die_once, path=str(tmp_path / "died"))])
    report = run(pipeline, plate, tmp_path / "out", 2)
    assert report.ok, report.failures
    assert (report.wells_done, report.planes_written) == (2, 8)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_killed_worker_costs_a_retry_at_most(plate, tmp_path, steps):
    """The well with value 5 kills its worker each time: it fails, and all others are done."""
    pipeline = Pipeline([Step(steps.die_on_value, value=5)])
    report = run(pipeline, plate, tmp_path / "out", 2)
    assert {failure.well for failure in report.failures} == {"B02"}
    assert read_record(tmp_path / "out")["failures"][0]["failure"].startswith(
        "well B02: the worker process ended"
    )
    healthy = run(Pipeline([Step(steps.die_on_value, value=99)]), plate, tmp_path / "out", 2, resume=True)
    assert healthy.ok
    assert len(tree(tmp_path / "out")) == 8
