"""What is missing is never taken for data: not by contrast, histogram or thumbnail."""

import numpy as np
import pytest

from platecast.components import Components, PlaneId, PlateLayout, StepId
from platecast.config import Display
from platecast.layers import Loss, LossState


@pytest.fixture
def image(model, napari_canvas, file_plane):
    """Return an image of two wells, of which the second lacks the second site."""
    for well, site, value in (("A01", 1, 500), ("A02", 1, 900), ("A01", 2, 700)):
        file_plane(napari_canvas, value, well=well, site=site, contrast=(100.0, 1000.0))
    return model.layers[0]


def look(model, well, site):
    model.dims.current_step = (well, site, 0, 0, 0, 0, 0)


def test_contrast_stays_where_nothing_is(model, image):
    look(model, 1, 1)
    image.reset_contrast_limits("slice")
    assert image.contrast_limits == [100, 1000]


@pytest.mark.parametrize(("mode", "limits"), [("slice", [900, 901]), ("data", [500, 900])])
def test_contrast_of_what_is_there(model, image, mode, limits):
    look(model, 1, 0)
    image.reset_contrast_limits(mode)
    assert image.contrast_limits == limits


def test_thick_slices_count_what_is_there(model, image):
    look(model, 1, 0)
    model.dims.margin_right = (0, 1, 0, 0, 0, 0, 0)
    image.reset_contrast_limits("slice")
    assert image.contrast_limits == [900, 901]


@pytest.mark.parametrize(("mode", "counted"), [("canvas", 0), ("full", 3 * 16 * 16)])
def test_histogram(model, image, mode, counted):
    look(model, 1, 1)
    image.histogram.mode = mode
    assert image.histogram.counts.sum() == counted
    assert image.histogram.counts[0] == 0, "zeros were never sent"


def test_thumbnail(model, image):
    look(model, 0, 0)
    present = image.thumbnail.copy()
    look(model, 1, 1)
    colors = np.unique(image.thumbnail.reshape(-1, 4), axis=0)
    assert len(colors) == 2, "hatched"
    look(model, 0, 0)
    np.testing.assert_array_equal(image.thumbnail, present)


def test_missing_layers_are_named(model, napari_canvas, file_plane, image):
    told = []
    napari_canvas.on_screen.on_missing = told.append
    look(model, 1, 1)
    assert (told[-1].names, told[-1].is_everything) == (("Image",), True)
    assert told[-1].box == (-0.5, -0.5, 15.5, 15.5)
    file_plane(napari_canvas, 1, well="A02", site=2, channel="GFP")
    napari_canvas.go_to({"well": "A02"})
    assert (told[-1].names, told[-1].is_everything) == (("Image",), False)
    look(model, 0, 0)
    assert told[-1].names == ("Channel_GFP",)


def test_each_missing_layer_has_its_own_reason(model, store, napari_canvas, file_plane):
    too_large = Loss(LossState.FAILED, "too large")
    told = []
    napari_canvas.on_screen.on_missing = told.append
    for well in ("A01", "A02"):
        file_plane(napari_canvas, 1, well=well)
    for channel in ("DAPI", "GFP", "Cy5"):
        file_plane(napari_canvas, 1, well="A01", channel=channel)
    for channel, step in (("GFP", None), ("Cy5", StepId(1, "blur"))):
        lost = PlaneId(components=Components(well="A02", channel=channel), step=step)
        store.lose(lost, Display(), too_large)
    look(model, 1, 0)
    assert dict(zip(told[-1].names, told[-1].losses, strict=True)) == {
        "Channel_DAPI": None,
        "Channel_GFP": too_large,
        "Channel_Cy5": None,
    }, "another step's failure is not this layer's"


def test_padding_is_not_read(napari_canvas, store, file_plane):
    display = Display(pad_to_max=True)
    small = file_plane(napari_canvas, 5, well="A01", shape=(8, 8), display=display)
    file_plane(napari_canvas, 6, well="A02", shape=(12, 16), display=display)
    assert store.layers == (small.layer,)
    assert napari_canvas.read(small.layer, (0, 0, 0, 0, 0)).shape == (12, 16)


def test_scale_follows_the_layout_but_not_over_the_users(model, store, napari_canvas, file_plane):
    file_plane(napari_canvas, well="A01")
    file_plane(napari_canvas, well="A01", channel="GFP")
    model.layers[1].scale = (1, 1, 1, 1, 1, 9, 9)
    assert not model.canvas.overlays.scale_bar.visible
    assert store.announce(PlateLayout(pixel_size_um=0.5))
    napari_canvas.axes_changed()
    assert [tuple(layer.scale[-2:]) for layer in model.layers] == [(0.5, 0.5), (9, 9)]
    assert model.canvas.overlays.scale_bar.visible
