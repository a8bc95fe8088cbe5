"""Steps beside each other and in turns, and everything as it was afterwards."""

import numpy as np
import pytest

from platecast.components import Kind, StepId
from platecast.config import Display

RAW, BLUR, SEGMENT = StepId(0, "raw"), StepId(1, "blur"), StepId(2, "segment")


@pytest.fixture
def canvas(napari_canvas, file_plane, model):
    """Three steps of unequal numbers of layers in a list whose order the user has changed."""
    for step, channels in ((RAW, ("DAPI", "GFP")), (BLUR, ("DAPI", "GFP"))):
        for channel in channels:
            for well in ("A01", "B02"):
                file_plane(napari_canvas, step=step, channel=channel, well=well)
    file_plane(napari_canvas, step=SEGMENT, kind=Kind.LABELS, dtype="uint8", well="A01")
    model.layers.move(0, 4)
    model.add_points(np.zeros((1, 2)), name="mine")
    return napari_canvas


def seen(model):
    return [layer.name for layer in model.layers if layer.visible]


def cells(model):
    grid = model.canvas.grid
    return [
        {model.layers[index].name for index in indices if model.layers[index].visible}
        for _, indices in grid.iter_viewboxes(model.layers)
    ]


def whole_state(model):
    camera, grid = model.scene.camera, model.canvas.grid
    return {
        "layers": [
            (layer.name, layer.visible, layer.opacity, layer.name_overlay.visible) for layer in model.layers
        ],
        "camera": (tuple(camera.center), camera.zoom, tuple(camera.angles)),
        "grid": (grid.enabled, grid.stride, grid.shape, grid.spacing),
        "step": model.dims.current_step,
        "selection": {layer.name for layer in model.layers.selection},
    }


def test_each_step_in_a_cell(canvas, model):
    canvas.compare([RAW, BLUR], side_by_side=True)
    raw = {"Step_00_raw_Channel_DAPI", "Step_00_raw_Channel_GFP"}
    blur = {"Step_01_blur_Channel_DAPI", "Step_01_blur_Channel_GFP"}
    assert model.canvas.grid.enabled
    assert cells(model) == [raw, blur]
    named = {layer.name for layer in model.layers if layer.name_overlay.visible}
    assert len(named & raw) == len(named & blur) == 1
    canvas.compare([BLUR, RAW, SEGMENT], side_by_side=True)
    assert cells(model) == [blur, raw, {"Step_02_segment_labels"}]
    assert canvas.compared == (BLUR, RAW, SEGMENT)


def test_in_turns(canvas, model):
    canvas.compare([RAW, BLUR], side_by_side=False)
    assert not model.canvas.grid.enabled
    assert {name[:8] for name in seen(model)} == {"Step_00_"}
    assert model.canvas.overlays.text.text.endswith("step 0 raw (1 of 2)")
    canvas.turn()
    assert {name[:8] for name in seen(model)} == {"Step_01_"}
    assert model.canvas.overlays.text.text.endswith("step 1 blur (2 of 2)")
    canvas.turn()
    assert {name[:8] for name in seen(model)} == {"Step_00_"}


@pytest.mark.parametrize("side_by_side", [True, False])
def test_everything_is_as_it_was(canvas, model, side_by_side):
    model.layers["Step_01_blur_Channel_GFP"].visible = False
    model.layers["Step_00_raw_Channel_GFP"].visible = True
    model.layers["Step_01_blur_Channel_DAPI"].opacity = 0.4
    model.layers.selection.active = model.layers["mine"]
    model.scene.camera.zoom = 3.5
    model.scene.camera.center = (0, 5, 6)
    model.canvas.grid.stride = -2
    before = whole_state(model)
    canvas.compare([RAW, BLUR], side_by_side=side_by_side)
    canvas.turn()
    model.layers["Step_01_blur_Channel_DAPI"].visible = True
    canvas.compare((), side_by_side=True)
    assert whole_state(model) == before
    assert canvas.compared == ()


def test_the_users_grid_comes_back(canvas, model):
    model.canvas.grid.enabled = True
    model.canvas.grid.shape = (2, 3)
    before = whole_state(model)
    canvas.compare([RAW, BLUR], side_by_side=True)
    assert len(cells(model)) == 2
    canvas.compare((), side_by_side=True)
    assert whole_state(model) == before
    assert len(cells(model)) == 6


def test_what_the_user_hid_stays_hidden_by_what_comes_later(canvas, model, file_plane):
    model.layers["Step_01_blur_Channel_GFP"].visible = False
    canvas.compare([RAW, BLUR], side_by_side=True)
    canvas.compare((), side_by_side=True)
    file_plane(canvas, step=BLUR, channel="Cy5", well="A01")
    assert not model.layers["Step_01_blur_Channel_GFP"].visible
    assert not model.layers["Step_00_raw_Channel_DAPI"].visible


def test_a_layer_that_comes_meanwhile_joins_its_step(canvas, model, file_plane):
    canvas.compare([RAW, BLUR], side_by_side=True)
    file_plane(canvas, step=RAW, channel="Cy5", well="A01")
    file_plane(canvas, step=StepId(3, "measure"), channel="Cy5", well="A01")
    assert "Step_00_raw_Channel_Cy5" in cells(model)[0]
    assert len(cells(model)) == 2
    canvas.compare((), side_by_side=True)
    assert seen(model)[-2:] == ["Step_02_segment_labels", "mine"]
    assert "Step_03_measure_Channel_Cy5" in seen(model)
    assert "Step_00_raw_Channel_Cy5" not in seen(model)


def test_the_newest_run_is_compared(napari_canvas, file_plane, model):
    for run in ("a", "b"):
        for step in (RAW, BLUR):
            file_plane(napari_canvas, run=run, step=step, well="A01")
    napari_canvas.compare(napari_canvas.steps, side_by_side=True)
    assert cells(model) == [{"b_Step_00_raw"}, {"b_Step_01_blur"}]


def test_the_next_well_is_compared_too(napari_canvas, file_plane, model):
    display = Display(sliced=("well",))
    for well in ("A01", "B02"):
        for step in (RAW, BLUR):
            file_plane(napari_canvas, step=step, well=well, display=display)
    napari_canvas.compare([RAW, BLUR], side_by_side=True)
    napari_canvas.go_to({"well": "B02"})
    assert seen(model) == ["Step_00_raw_Well_B02", "Step_01_blur_Well_B02"]
    assert len(cells(model)) == 2
    napari_canvas.compare((), side_by_side=True)
    assert seen(model) == ["Step_01_blur_Well_B02"]


def test_missing_planes_are_told_cell_by_cell(canvas, model, file_plane):
    file_plane(canvas, step=BLUR, channel="DAPI", well="C03")
    told = []
    canvas.on_screen.on_missing = told.append
    canvas.compare([RAW, BLUR], side_by_side=True)
    canvas.go_to({"well": "C03"})
    raw, blur = told[-1].cells
    assert (raw.is_everything, blur.is_everything) == (True, False)
    assert blur.names == ("Step_01_blur_Channel_GFP",)
