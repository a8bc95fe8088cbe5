"""Compressed planes, and what only claims to be one."""

import numpy as np
import pytest

from platecast.components import Components, PlaneId
from platecast.config import Display
from platecast.errors import ProtocolError
from platecast.wire import Batch, Item, check_item, compress, decompress

pytest.importorskip("blosc2")
RNG = np.random.default_rng(0)
PLANES = {
    "camera": RNG.poisson(300, (256, 256)).astype(np.uint16),
    "labels": np.repeat(np.arange(64, dtype=np.uint8), 1024).reshape(256, 256),
    "empty": np.zeros((256, 256), np.float32),
}


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_plane_comes_back_bit_by_bit(plane):
    packed = compress(plane.tobytes(), plane.itemsize)
    assert len(packed) < plane.nbytes / 1.5
    assert decompress(memoryview(packed), plane.nbytes).tobytes() == plane.tobytes()


def test_noise_is_left_as_it_is():
    assert compress(RNG.bytes(100_000), 1) is None


PACKED = compress(PLANES["camera"].tobytes(), 2)
BOMB = compress(bytes(64 << 20), 2)
FALSE = {
    "a bomb: 64 MiB in a few bytes": (BOMB, 131072),
    "more than it holds": (PACKED, 131072 * 2),
    "cut off": (PACKED[:-10], 131072),
    "something behind it": (PACKED + b"\0", 131072),
    "nothing": (b"", 131072),
    "noise": (RNG.bytes(1000), 131072),
}


@pytest.mark.parametrize(("packed", "nbytes"), FALSE.values(), ids=FALSE)
def test_false_plane_is_refused(packed, nbytes):
    with pytest.raises(ProtocolError):
        decompress(memoryview(packed), nbytes)


ITEMS = {
    "an unknown codec": {"codec": "zip", "frame": 0},
    "in a buffer": {"codec": "blosc2", "buffer": 1},
    "from the middle of a frame": {"codec": "blosc2", "frame": 0, "offset": 2},
}


@pytest.mark.parametrize("fields", ITEMS.values(), ids=ITEMS)
def test_codec_is_one_of_a_whole_frame(fields):
    plane = PlaneId(components=Components(well="A01"))
    item = Item(seq=1, stream=1, plane=plane, shape=(8, 8), dtype="<u2", nbytes=128, **fields)
    batch = Batch(version=2, sender=bytes(16), items=(item,), displays=(Display(),))
    with pytest.raises(ProtocolError, match="codec"):
        check_item(item, batch, [128])
