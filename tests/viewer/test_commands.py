import json
from pathlib import Path

import numpy as np
import pytest

from platecast.components import Kind, StepId
from platecast.errors import ViewerCommandError
from platecast.viewer._session._clearing import Cleared
from platecast.viewer._session._commands import Commands
from platecast.viewer._session._export import Exports
from platecast.viewer._session._following import Following


@pytest.fixture
def commands(store, napari_canvas, file_plane):
    for value, well in enumerate(("A01", "B02"), start=1):
        file_plane(napari_canvas, value, step=StepId(1, "blur"), channel="DAPI", well=well, z_index=0)
    file_plane(napari_canvas, 3, kind=Kind.LABELS, dtype="uint8", well="A01")
    return Commands(
        store,
        napari_canvas,
        clear=lambda run, step, earlier_runs: Cleared(2, 4, 1_500_000),
        regroup=lambda sliced: None,
        following=Following(),
        exports=Exports(store),
    )


def test_layers(commands):
    answer, blobs = commands.answer("layers", {})
    json.dumps(answer)
    assert not blobs
    blur, labels = answer["layers"]
    assert blur["name"] == "Step_01_blur_Channel_DAPI"
    assert (blur["kind"], blur["dtype"], blur["planes"], blur["visible"]) == ("image", "uint16", 2, True)
    assert blur["shape"] == labels["shape"] == [2, 1, 1, 1, 1, 16, 16]
    assert (blur["step"], blur["sliced"], blur["stacked"]) == (
        [1, "blur"],
        {"channel": "DAPI"},
        ["well", "z_index"],
    )
    assert labels["name"] == "Image_labels"
    assert answer["axes"] == {
        "well": ["A01", "B02"],
        "site": [],
        "channel": [],
        "timepoint": [],
        "z_index": [0],
    }
    assert answer["on_screen"] == {"well": "A01", "z_index": 0}


def test_read_goes_through_the_napari_layer(commands, model):
    answer, (blob,) = commands.answer(
        "read", {"layer": "Step_01_blur_Channel_DAPI", "well": "b2", "z_index": 0}
    )
    plane = np.frombuffer(blob, answer["dtype"]).reshape(answer["shape"])
    assert plane.shape == (16, 16)
    assert (plane == 2).all()
    model.layers["Step_01_blur_Channel_DAPI"].name = "mine"
    assert commands.answer("read", {"layer": "mine", "well": "A01"})[0] == answer


def test_goto(commands):
    answer, _ = commands.answer("goto", {"well": "b2"})
    assert answer == {"on_screen": {"well": "B02", "z_index": 0}}


def test_display(commands):
    def display(**args):
        return commands.answer("display", args)[0]

    assert display() == {"sliced": None, "layers": 2, "follow_newest": False}
    assert display(follow_newest=True)["follow_newest"] is True
    assert display(sliced=None)["follow_newest"] is True, "what is not given stays"
    assert display(follow_newest=None)["follow_newest"] is False, "as the senders say"


def test_layers_are_hidden_and_shown_by_name(commands, model):
    def display(visible):
        commands.answer("display", {"visible": visible})
        return [layer.visible for layer in model.layers]

    assert display({"Image_labels": False}) == [True, False]
    with pytest.raises(LookupError, match="there is no layer 'other'; there are: "):
        display({"Image_labels": True, "other": False})
    with pytest.raises(TypeError, match="expected true or false"):
        display({"Image_labels": 1})
    assert display({}) == [True, False], "all or nothing"
    assert display({"Image_labels": True}) == [True, True]


def test_clear_says_what_it_freed(commands):
    assert commands.answer("clear", {}) == ({"cleared": 2, "planes": 4, "freed_mb": 1.5}, ())


@pytest.mark.parametrize(
    ("name", "args", "error", "words"),
    [
        (
            "dance",
            {},
            ViewerCommandError,
            "known are clear, compare, display, export, features, goto, layers, numbers, probe, quit, raise",
        ),
        (
            "read",
            {},
            ViewerCommandError,
            "missing a required argument: 'layer'; its arguments are: layer, plate",
        ),
        ("goto", {"row": 1}, ViewerCommandError, "its arguments are: well, site, channel"),
        ("layers", {"x": 1}, ViewerCommandError, "its arguments are: none"),
        ("read", {"layer": "Image"}, LookupError, "there are: Step_01_blur_Channel_DAPI, Image_labels"),
        ("read", {"layer": "Image_labels", "well": "B02"}, LookupError, "it is missing"),
        ("read", {"layer": "Step_01_blur_Channel_DAPI"}, LookupError, "say well, z_index too"),
        ("goto", {"well": "C03"}, LookupError, "this window has A01, B02"),
        ("goto", {"site": 1}, LookupError, "site: no layer has such an axis"),
        ("goto", {"well": "nowhere"}, ValueError, "nowhere"),
        ("export", {}, LookupError, "there is none; give the path"),
        ("export", {"path": "plate.tif"}, ValueError, "must end in .zarr"),
        ("export", {"path": "plate.zarr", "step": 4}, LookupError, "steps images without a step, 1 blur"),
        ("export", {"path": "plate.zarr", "run": "x"}, LookupError, "there are none"),
        ("display", {"sliced": "well"}, TypeError, "expected a list of components"),
        ("display", {"follow_newest": 1}, TypeError, "expected true, false or null"),
    ],
)
def test_what_cannot_be_done_says_what_can(commands, name, args, error, words):
    with pytest.raises(error, match=words):
        commands.answer(name, args)


@pytest.mark.parametrize(
    ("steps", "error", "words"),
    [
        (["blur"], ValueError, "two steps or more"),
        (["blur", 1], ValueError, "each of them once"),
        (["blur", "sharpen"], LookupError, "0 steps are 'sharpen'; there are images without a step, 1 blur"),
        ("blur", TypeError, "expected a list of steps"),
    ],
)
def test_steps_that_cannot_be_compared(commands, steps, error, words):
    with pytest.raises(error, match=words):
        commands.answer("compare", {"steps": steps})


def test_raise_asks_for_a_window(commands):
    with pytest.raises(RuntimeError, match="a model without a window"):
        commands.answer("raise", {})


def test_compare(commands, model):
    answer, _ = commands.answer("compare", {"steps": [None, 1]})
    assert answer == {"compared": [None, [1, "blur"]], "side_by_side": True}
    assert model.canvas.grid.enabled
    assert commands.answer("compare", {})[0] == {"compared": [], "side_by_side": False}
    assert not model.canvas.grid.enabled


def test_every_command_is_in_the_protocol(commands):
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    assert [name for name in commands._table if f"**`{name}`**" not in text] == []
