"""Layers are let go by run, by step, or all."""

import gc
import weakref

import numpy as np
import pytest

from platecast.components import Components, PlaneId, StepId
from platecast.layers import Loss, LossState
from platecast.viewer._plate._model import PlateModel
from platecast.viewer._plate._watch import PlateWatch
from platecast.viewer._session._clearing import clear, runs_of, select

RAW, BLUR = StepId(0, "raw"), StepId(1, "blur")


@pytest.fixture
def filled(store, napari_canvas, file_plane):
    """Two runs of two steps; the second run has one more well."""
    for run, wells in (("a", ("A01", "B02")), ("b", ("A01", "B02", "C03"))):
        for step in (RAW, BLUR):
            for well in wells:
                file_plane(napari_canvas, run=run, step=step, well=well)
    return store


@pytest.mark.parametrize(
    ("asked", "left", "planes", "wells"),
    [
        ({}, [], 10, ()),
        ({"run": "a"}, ["b_Step_00_raw", "b_Step_01_blur"], 4, ("A01", "B02", "C03")),
        ({"run": "b"}, ["Step_00_raw", "Step_01_blur"], 6, ("A01", "B02")),
        ({"step": 1}, ["Step_00_raw", "b_Step_00_raw"], 5, ("A01", "B02", "C03")),
        ({"step": "raw"}, ["Step_01_blur", "b_Step_01_blur"], 5, ("A01", "B02", "C03")),
        (
            {"run": "b", "step": [1, "blur"]},
            ["Step_00_raw", "Step_01_blur", "b_Step_00_raw"],
            3,
            ("A01", "B02", "C03"),
        ),
        ({"earlier_runs": True}, ["b_Step_00_raw", "b_Step_01_blur"], 4, ("A01", "B02", "C03")),
    ],
    ids=str,
)
def test_what_is_let_go(filled, napari_canvas, model, asked, left, planes, wells):
    cleared = clear(filled, napari_canvas, **asked)
    assert sorted(layer.name for layer in model.layers) == left
    assert (cleared.planes, cleared.layers + len(left)) == (planes, 4)
    assert cleared.nbytes == planes * 16 * 16 * 2
    assert filled.axes.values("well") == wells
    if left:
        assert model.dims.nsteps[0] == len(wells)
        assert model.canvas.overlays.text.text.startswith("Well A01")


@pytest.mark.parametrize("asked", [{"run": "c"}, {"step": 7}, {"step": "sharpen"}, {"run": "a", "step": 3}])
def test_what_is_not_there(filled, napari_canvas, model, asked):
    with pytest.raises(LookupError, match="there are runs a, b; steps 0 raw, 1 blur"):
        clear(filled, napari_canvas, **asked)
    assert len(model.layers) == 4


def test_one_or_the_other(filled, napari_canvas):
    with pytest.raises(ValueError, match="exclude each other"):
        clear(filled, napari_canvas, run="a", earlier_runs=True)


def test_names_of_what_is_there(filled):
    assert runs_of(filled.layers) == ("a", "b")
    assert [layer.key.run for layer in select(filled.layers, step="1 blur")] == ["a", "b"]


def test_memory_is_freed(store, napari_canvas, file_plane):
    placed = file_plane(napari_canvas, run="a", well="A01")
    file_plane(napari_canvas, run="b", well="A01")
    plane = weakref.ref(placed.layer.stack.plane(placed.index).base)
    assert plane() is not None
    del placed
    clear(store, napari_canvas, run="a")
    gc.collect()
    assert plane() is None


def test_the_user_keeps_what_is_not_cleared(filled, napari_canvas, model):
    kept = model.layers["b_Step_01_blur"]
    kept.contrast_limits, kept.opacity, kept.visible = (3, 9), 0.4, True
    model.dims.set_current_step(0, 1)
    clear(filled, napari_canvas, run="a")
    assert (kept.contrast_limits, kept.opacity, kept.visible) == ([3, 9], 0.4, True)
    assert model.canvas.overlays.text.text.startswith("Well B02")


def test_the_account_of_the_wells_follows(qapp, filled, napari_canvas):
    watch = PlateWatch(PlateModel())
    pixels = np.zeros((4, 4), np.uint8)
    for run in ("a", "b"):
        for step in (RAW, BLUR):
            watch.model.add(PlaneId(components=Components(well="A01"), run=run, step=step))
    watch.lost(
        PlaneId(components=Components(well="A01"), run="b", step=BLUR), Loss(LossState.FAILED, "too large")
    )
    watch.filed(PlaneId(components=Components(well="D01"), run="b", step=BLUR), pixels)
    clear(filled, napari_canvas, watch, run="b", step=1)
    assert [topic.step for topic in watch.model.topics(None)] == [RAW]
    assert not watch._filed
    assert watch.model.view(None).wells[0, 0].failed == 0
    clear(filled, napari_canvas, watch, run="b")
    assert [topic.step for topic in watch.model.topics(None)] == [RAW, BLUR], "the earlier run's"
    watch.stop()
