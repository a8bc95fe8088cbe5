"""What tests of the sending end share: planes, and streams that start no viewer."""

import numpy as np
import pytest

from platecast.config import NapariStreamingConfig
from platecast.stream import Stream
from platecast.stream._links import links
from platecast.wire import AVAILABLE

LARGE = (512, 512)
"""Planes of this shape travel by descriptor."""
SMALL = (16, 24)

by_descriptor = pytest.mark.skipif(not AVAILABLE, reason="plane memory is passed by descriptor on Linux only")


def pattern(shape, dtype="uint16"):
    """Return a plane whose pixels differ from their neighbours."""
    values = np.arange(np.prod(shape)).reshape(shape) % 251
    return (values / 4 if np.dtype(dtype).kind == "f" else values).astype(dtype)


def open_stream(port, **options):
    """Open a stream; `config` names fields of `NapariStreamingConfig`."""
    config = NapariStreamingConfig(napari_port=port, **options.pop("config", {}))
    return Stream(config=config, start_viewer=False, **options)


def end_links():
    """Close the links of this process; a test that opened streams ends with that."""
    with links.lock:
        opened = list(links._by_place.values())
        links._by_place.clear()
    for link in opened:
        link.wait_started(20)
        link.close()
