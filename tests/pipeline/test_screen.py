"""What is shown, in which order, and that showing never reaches the run."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import tifffile

from platecast.components import Kind, PlateLayout, StepId
from platecast.config import NapariStreamingConfig, PipelineConfig
from platecast.pipeline import Pipeline, Step, _screen, run
from platecast.stream import Ledger


class Recorder:
    """A stream that keeps what it is given and shows all of it."""

    made: ClassVar[list["Recorder"]] = []

    def __init__(self, *, run, config):
        self.run, self.config = run, config
        self.sent, self.layouts, self.closed_after_s = [], [], None
        Recorder.made.append(self)

    def announce(self, layout):
        self.layouts.append(layout)

    def send_components(self, image, components, *, kind, step, address):
        backend, _, path = address.partition(":")
        assert backend == "disk"
        np.testing.assert_array_equal(tifffile.imread(path), image)  # it rests before it is shown
        self.sent.append((step, components, kind, image.dtype.name))

    def report(self):
        return Ledger(sent=len(self.sent), pending=len(self.sent))

    def close(self, timeout_s):
        self.closed_after_s = timeout_s
        return Ledger(sent=len(self.sent), shown=len(self.sent))


class Broken(Recorder):
    """A stream that fails whenever it is used."""

    def _fail(self, *args, **kwargs):
        raise ConnectionError("nobody is there")

    announce = send_components = report = close = _fail


class Unopened(Recorder):
    """A stream that cannot be opened."""

    def __init__(self, **kwargs):
        raise OSError("no descriptor left")


@pytest.fixture
def stream_class(monkeypatch):
    def use(stream):
        monkeypatch.setattr(_screen, "Stream", stream)
        monkeypatch.setattr(Recorder, "made", [])

    return use


def config(**choices):
    return PipelineConfig(napari_streaming=NapariStreamingConfig(enabled=True, napari_port=6001), **choices)


def test_raw_images_and_results_are_shown_in_their_order(plate, tmp_path, steps, stream_class):
    stream_class(Recorder)
    pipeline = Pipeline([steps.add, Step(steps.halves, only={"channel": 1})], config())
    report = run(pipeline, plate, tmp_path / "out")
    (stream,) = Recorder.made
    assert (stream.run, stream.config.napari_port) == (report.run, 6001)
    assert stream.layouts == [
        PlateLayout(plate="P1", well=("A01", "B02"), site=(1, 2), channel=(1, 2), images=(4, 4))
    ]
    first = stream.sent[0][1]
    assert [(step, kind, dtype) for step, components, kind, dtype in stream.sent if components == first] == [
        (StepId(0, "raw"), Kind.IMAGE, "uint16"),
        (StepId(1, "add"), Kind.IMAGE, "uint16"),
        (StepId(2, "halves"), Kind.LABELS, "uint16"),
    ]
    assert stream.closed_after_s == _screen.FLUSH_TIMEOUT_S
    assert (report.planes_sent, report.planes_shown, report.planes_pending) == (20, 20, 0)


def test_raw_images_need_not_be_shown(plate, tmp_path, steps, stream_class):
    stream_class(Recorder)
    report = run(Pipeline([steps.add], config(stream_input=False)), plate, tmp_path / "out")
    assert {step.index for step, *_ in Recorder.made[0].sent} == {1}
    assert report.planes_sent == 8


class Slow(Recorder):
    """A stream whose viewer has shown so many more planes each time that somebody asks."""

    shown_by_then: ClassVar[list[int]] = []

    def close(self, timeout_s):
        shown = self.shown_by_then.pop(0)
        return Ledger(sent=len(self.sent), shown=shown, pending=len(self.sent) - shown)


WAITS = {
    "while planes are taken": ([2, 5, 8], "ready", 8),
    "not when none is": ([2, 2], "ready", 2),
    "for a window that is being built": ([0, 0, 0, 8], "starting", 8),
    "not for a viewer that is gone": ([0], "gone", 0),
}


@pytest.mark.parametrize(("shown_by_then", "state", "shown"), WAITS.values(), ids=WAITS)
def test_end_of_a_run_waits_for_a_viewer(
    plate, tmp_path, steps, stream_class, monkeypatch, shown_by_then, state, shown
):
    stream_class(Slow)
    monkeypatch.setattr(Slow, "shown_by_then", shown_by_then)
    viewer = None if state == "gone" else SimpleNamespace(state=state)
    monkeypatch.setattr(_screen, "find_viewer", lambda port: viewer)
    report = run(Pipeline([steps.add], config(stream_input=False)), plate, tmp_path / "out")
    assert (report.planes_sent, report.planes_shown, report.planes_pending) == (8, shown, 8 - shown)
    assert shown_by_then == []


@pytest.mark.parametrize("broken", [Broken, Unopened])
def test_broken_stream_does_not_reach_the_run(plate, tmp_path, steps, stream_class, caplog, broken):
    stream_class(broken)
    report = run(Pipeline([steps.add], config()), plate, tmp_path / "out")
    assert report.ok
    assert report.planes_written == 8
    assert (report.planes_sent, report.planes_failed) == (16, 16)
    complaints = [record for record in caplog.records if record.name == _screen.__name__]
    assert len(complaints) == 1
    assert complaints[0].exc_info is not None
