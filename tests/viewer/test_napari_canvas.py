"""napari layers on a model without a window: nothing is painted here."""

import time

import numpy as np
import pytest
from napari.layers import Image, Points

from platecast.components import Kind, PlateLayout, StepId
from platecast.config import Display
from platecast.layers import PlaneStack
from platecast.viewer._napari._canvas import NapariCanvas
from platecast.viewer._napari._private import slice_once
from platecast.viewer._napari._thumbnails import Thumbnails

LABELS = Kind.LABELS
BLUR, SEGMENT = StepId(1, "blur"), StepId(2, "segment")


@pytest.fixture
def file(napari_canvas, file_plane):
    return lambda *args, **kwargs: file_plane(napari_canvas, *args, **kwargs)


@pytest.fixture
def text(model):
    return lambda: model.canvas.overlays.text.text


def test_layer_that_is_being_read_is_said_until_it_is_there(model, file, text):
    file(well="A01")
    (layer,) = model.layers
    layer._slicing_state._set_unloaded_slice_id(7)
    assert text() == "Well A01 · reading …"
    layer._slicing_state._update_loaded_slice_id(7)
    assert text() == "Well A01"


def test_all_layers_have_the_same_axes(model, file):
    file(well="A01", channel="DAPI", z_index=1)
    file(kind=LABELS, site=2)
    file(shape=(16, 16, 3), dtype="uint8", timepoint=0)
    assert {layer.ndim for layer in model.layers} == {7}
    assert model.dims.axis_labels == ("well", "site", "channel", "t", "z", "y", "x")
    assert model.dims.nsteps == (1, 1, 1, 1, 1, 16, 16)
    assert model.layers.extent.units is not None


def test_growing_tells_the_sliders(model, file):
    for well in ("B02", "A01", "C03"):
        file(well=well)
    assert model.dims.nsteps[0] == 3
    assert model.dims.current_step[0] == 1


def test_announced_values_are_there_from_the_start(model, file, store, text):
    store.axes.announce(PlateLayout(well=("A01", "A02", "A03"), channel=("DAPI",)))
    file(well="A02", channel="DAPI")
    assert model.dims.nsteps[:3] == (3, 1, 1)
    assert text() == "Well A02"


def test_an_axis_that_appears_later_stands_on_what_came_first(model, file, text):
    file(well="A01", channel="DAPI")
    file(well="A01", channel="GFP", z_index=5)
    file(well="A01", channel="GFP", z_index=2)
    assert text() == "Well A01 · Z 5"


@pytest.mark.parametrize(
    ("plate", "run", "expected"),
    [
        ("first", "2", "Well A01 · missing"),
        ("second", "2", "Well H12"),
        ("second", "1", "Well A01 · 1 of 2 layers missing"),
    ],
    ids=["the same plate again", "another plate", "another plate of the same run"],
)
def test_sliders_move_only_where_nothing_else_is_to_be_seen(file, text, plate, run, expected):
    file(well="A01", plate="first", run="1")
    file(well="H12", plate=plate, run=run)
    assert text() == expected


def test_text_follows_the_sliders(model, file, text):
    assert text() == "Waiting for images on port 5555"
    file(well="A01", z_index=0)
    file(well="B02", z_index=1)
    assert text() == "Well A01 · Z 0"
    model.dims.set_current_step(0, 1)
    assert text() == "Well B02 · Z 0 · missing"
    model.dims.set_current_step(4, 1)
    assert text() == "Well B02 · Z 1"
    model.layers[0].visible = False
    assert text() == "Well B02 · Z 1 · every layer is hidden"
    model.layers.clear()
    assert text() == "Waiting for images on port 5555"


def test_in_3d_every_slice_is_on_screen(model, file, napari_canvas, text):
    file(well="A01", z_index=0)
    deep = file(well="A01", z_index=1)
    other = file(well="B01", z_index=1)
    assert not napari_canvas.is_on_screen(deep.layer, deep.index)
    model.dims.ndisplay = 3
    assert napari_canvas.is_on_screen(deep.layer, deep.index)
    assert not napari_canvas.is_on_screen(other.layer, other.index)
    assert text() == "Well A01"


def test_thick_slices_show_their_neighbours(model, file, napari_canvas):
    file(well="A01", z_index=0)
    deep = file(well="A01", z_index=1)
    model.dims.margin_right = (0, 0, 0, 0, 1, 0, 0)
    assert napari_canvas.is_on_screen(deep.layer, deep.index)


def test_labels_lie_above_images(model, file):
    file(channel=1, kind=LABELS)
    model.add_points(np.zeros((1, 2)), name="mine")
    file(channel=1)
    file(channel=2)
    file(channel=2, kind=LABELS)
    names = [layer.name for layer in model.layers]
    assert names == ["Channel_1", "Channel_2", "Channel_1_labels", "Channel_2_labels", "mine"]


def test_labels_look(model, file):
    file(3, kind=LABELS, well="A01")
    labels = model.layers[0]
    assert (labels.opacity, labels.editable, labels.multiscale) == (0.5, False, False)


def test_image_look(model, file):
    file(channel="DAPI", contrast=(10.0, 90.0))
    image = model.layers[0]
    assert (image.contrast_limits, image.contrast_limits_range) == ([10.0, 90.0], [0.0, 65535.0])
    assert (image.colormap.name, image.blending) == ("gray", "additive")


def test_channels_get_colours_once_there_are_several(model, file):
    file(channel="DAPI")
    file(channel="GFP")
    assert [layer.colormap.name for layer in model.layers] == ["bop blue", "green"]


def test_a_known_plate_gives_colours_from_the_start(model, file, store):
    store.axes.announce(PlateLayout(channel=("DAPI", "GFP")))
    file(channel="DAPI")
    assert model.layers[0].colormap.name == "bop blue"


@pytest.mark.parametrize(("wanted", "expected"), [("fire", "fire"), ("no such", "gray")])
def test_the_senders_colormap(model, file, wanted, expected):
    file(well="A01", display=Display(colormap=wanted))
    assert model.layers[0].colormap.name == expected


def test_rgb(model, file):
    file(shape=(16, 16, 3), dtype="uint8", well="A01")
    assert model.layers[0].rgb
    assert model.dims.ndim == 7


def test_only_the_newest_step_is_visible(model, file):
    for channel in (1, 2):
        file(step=StepId(0, "raw"), channel=channel)
    file(step=BLUR, channel=1)
    file(step=SEGMENT, channel=1, kind=LABELS)
    visible = [layer.name for layer in model.layers if layer.visible]
    assert visible == ["Step_00_raw_Channel_2", "Step_01_blur_Channel_1", "Step_02_segment_Channel_1_labels"]


def test_earlier_runs_are_hidden_not_removed(model, file):
    file(run="a", channel=1)
    file(run="b", channel=1)
    assert {layer.name: layer.visible for layer in model.layers} == {"Channel_1": False, "b_Channel_1": True}


def test_what_the_user_set_stays(model, file):
    file(step=StepId(0, "raw"), channel="DAPI")
    layer = model.layers[0]
    layer.visible = False
    layer.visible = True
    layer.name = "mine"
    layer.colormap = "fire"
    layer.contrast_limits = (3, 4)
    layer.opacity = 0.3
    file(step=BLUR, channel="DAPI")
    file(step=BLUR, channel="GFP")
    file(step=StepId(0, "raw"), channel="DAPI", z_index=4)
    file(step=StepId(0, "raw"), channel="DAPI", z_index=5)
    assert model.layers[0] is layer
    assert (layer.name, layer.visible, layer.colormap.name) == ("mine", True, "fire")
    assert (layer.contrast_limits, layer.opacity) == ([3, 4], 0.3)


def test_the_users_selection_stays(model, file):
    file(channel=1)
    file(channel=2)
    assert model.layers.selection.active.name == "Channel_2"
    model.layers.selection.active = model.layers["Channel_1"]
    file(channel=3)
    assert model.layers.selection.active.name == "Channel_1"


def test_a_name_of_the_users_is_not_taken(model, file, napari_canvas):
    model.add_points(np.zeros((1, 2)), name="Channel_1")
    file(channel=1)
    assert list(napari_canvas.names()) == ["Channel_1 [1]"]
    assert isinstance(model.layers["Channel_1"], Points)


def test_layers_of_the_users_may_have_more_axes(model, file, text):
    model.add_image(np.zeros((2, 3, 3, 3, 3, 3, 8, 8)))
    file(well="B02")
    file(well="A01")
    assert text() == "Well B02"
    assert model.dims.current_step[1] == 1


def test_a_layer_the_user_removed_comes_back_with_its_next_plane(model, file, store):
    file(well="A01")
    model.layers.pop(0)
    assert store.layers == ()
    assert file(well="B02").created
    assert [layer.name for layer in model.layers] == ["Image"]


def test_refresh_draws_what_arrived_on_screen(model, file, napari_canvas):
    placed = file(1, well="A01")
    shown = model.layers[0]
    file(9, well="A01")
    napari_canvas.refresh([placed.layer])
    assert isinstance(shown, Image)
    assert shown.get_value((0, 0, 0, 0, 0, 5, 5), world=True) == 9


def test_a_move_slices_each_visible_layer_once(model, store, file_plane, monkeypatch):
    slice_once(model)
    canvas = NapariCanvas(model, store, 5555)
    for well in ("A01", "A02"):
        for channel in ("DAPI", "GFP"):
            file_plane(canvas, well=well, channel=channel)
    sliced = []
    read = PlaneStack.__getitem__
    monkeypatch.setattr(PlaneStack, "__getitem__", lambda *args: (sliced.append(args[0]), read(*args))[1])
    model.layers[0].visible = False
    sliced.clear()
    model.dims.current_step = (1, *model.dims.current_step[1:])
    assert [stack is model.layers[1].data for stack in sliced].count(True) == 1
    assert not any(stack is model.layers[0].data for stack in sliced), "hidden"


def test_thumbnails_are_put_off_and_show_the_place_where_the_sliders_rest(qtbot, model, store, file_plane):
    made = []
    thumbnails = Thumbnails(lambda layer: (made.append(layer), layer.draw_thumbnail()))
    canvas = NapariCanvas(model, store, 5555, thumbnails.put_off)
    for value, well in enumerate(("A01", "A02", "A03")):
        file_plane(canvas, value * 100, well=well, contrast=(0, 200))
    (layer,) = model.layers
    qtbot.waitUntil(lambda: bool(made))
    made.clear()
    for well in ("A02", "A01", "A03"):
        canvas.go_to({"well": well})
    assert not made
    qtbot.waitUntil(lambda: bool(made))
    assert made == [layer]
    assert layer.thumbnail[16, 16].tolist() == [255, 255, 255, 255]
    thumbnails.stop()


def test_moves_are_timed_until_they_are_composed(model, store, file_plane):
    canvas = NapariCanvas(model, store, 5555)
    for well in ("A01", "A02"):
        file_plane(canvas, well=well)
    canvas.time_pictures(is_wanted=True)
    canvas.painted()
    canvas.go_to({"well": "A02"})
    canvas.go_to({"well": "A02"})
    canvas.painted()
    canvas.painted()
    model.dims.current_step = (0, *model.dims.current_step[1:])
    canvas.painted()
    found = canvas.time_pictures(is_wanted=False)
    assert found["steps"] == 2
    assert 0 < found["step_p50_ms"] <= found["step_max_ms"]


def test_when_the_first_plane_that_came_was_seen(model, store, file_plane):
    canvas = NapariCanvas(model, store, 5555)
    canvas.time_pictures(is_wanted=True)
    canvas.painted()
    assert canvas.time_pictures(is_wanted=False)["first_painted_at"] is None, "nothing came"
    canvas.time_pictures(is_wanted=True)
    began_s = time.monotonic()
    placement = file_plane(canvas, well="A01")
    canvas.painted()
    first_s = canvas.time_pictures(is_wanted=False)["first_painted_at"]
    assert began_s <= first_s <= time.monotonic()
    canvas.time_pictures(is_wanted=True)
    canvas.refresh([placement.layer])
    canvas.painted()
    canvas.painted()
    assert canvas.time_pictures(is_wanted=False)["first_painted_at"] >= first_s
