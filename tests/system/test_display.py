"""Other components become layers in a running viewer."""

import numpy as np
import pytest

from platecast.components import PlateLayout
from platecast.errors import ViewerCommandError
from platecast.manager import find_or_start, find_viewer, quit_viewer, set_sliced
from platecast.stream import Stream
from platecast.wire import ask


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
