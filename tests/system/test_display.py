"""Other components become layers in a running viewer, and what else may be asked of its window."""

import numpy as np
import pytest

from platecast.components import Components, PlateLayout, format_name
from platecast.config import NapariStreamingConfig
from platecast.errors import ViewerCommandError
from platecast.manager import find_or_start, find_viewer, quit_viewer, set_sliced
from platecast.storage import FileManager
from platecast.stream import Stream
from platecast.wire import ask
from tests.waiting import wait_until


@pytest.fixture
def viewer(free_port):
    find_or_start(free_port, persistent=True)
    endpoint = find_viewer(free_port).endpoint
    yield endpoint
    quit_viewer(endpoint, timeout_s=20)


def test_layers_change_and_nothing_is_sent_again(viewer):
    with Stream(viewer.port, start_viewer=False) as stream:
        stream.announce(PlateLayout(pixel_size_um=0.5))
        for value, well in enumerate(("A01", "A02", "B01")):
            for channel in ("DAPI", "GFP"):
                stream.send(np.full((64, 64), value, np.uint16), well=well, channel=channel)
        assert stream.flush(20).shown == 6
        assert set_sliced(viewer, ["well", "channel"]) == 6
        assert set_sliced(viewer, []) == 1
        answer, (pixels,) = ask(
            viewer.port, "read", token=viewer.token, layer="Image", well="B01", channel="GFP"
        )
        assert (np.frombuffer(pixels, answer["dtype"]) == 2).all()
        assert stream.report().sent == 6
        assert set_sliced(viewer, None) == 2
    with pytest.raises(ViewerCommandError, match="only well, site"):
        set_sliced(viewer, ["plate"])


def test_the_window_is_led_by_commands(viewer, tmp_path):
    """What scripts and terminals do with a window, against a real one."""

    def command(name, **args):
        return ask(viewer.port, name, token=viewer.token, **args)[0]

    rng = np.random.default_rng(0)
    sent = {}
    config = NapariStreamingConfig(napari_port=viewer.port, follow_newest=True)
    for step in ((0, "raw"), (1, "blur")):
        with Stream(config=config, start_viewer=False, step=step, run="r1") as stream:
            for well in ("A01", "B02"):
                sent[step, well] = rng.integers(0, 999, (64, 64)).astype(np.uint16)
                stream.send(sent[step, well], well=well, channel="DAPI")
            assert stream.flush(20).shown == 2
    wait_until(lambda: command("layers")["on_screen"] == {"well": "B02"}, "the newest plane is on screen")
    assert command("display", follow_newest=False)["follow_newest"] is False
    assert command("compare", steps=["raw", "blur"])["compared"] == [[0, "raw"], [1, "blur"]]
    visible = {layer["name"] for layer in command("layers")["layers"] if layer["visible"]}
    assert visible == {"Step_00_raw_Channel_DAPI", "Step_01_blur_Channel_DAPI"}
    assert command("compare")["compared"] == []
    visible = {layer["name"] for layer in command("layers")["layers"] if layer["visible"]}
    assert visible == {"Step_01_blur_Channel_DAPI"}
    target = tmp_path / "out.zarr"
    assert command("export", path=str(target))["planes"] == 4
    wait_until(lambda: command("export")["state"] == "done", "the export is done", 30)
    with FileManager() as files:
        for (step, well), pixels in sent.items():
            name = format_name(Components(well=well, channel="DAPI"))
            read = files.load(target / f"Step_{step[0]:02d}_{step[1]}" / name, "zarr")
            np.testing.assert_array_equal(read, pixels)
    with pytest.raises(ViewerCommandError, match="is there already"):
        command("export", path=str(target))
    cleared = command("clear", step="raw")
    assert (cleared["cleared"], cleared["planes"]) == (1, 2)
    assert command("clear")["planes"] == 2
    assert command("layers")["layers"] == []
