"""The one copy, memory that is lent for results, and planes that wait on disk."""

import gc
import os

import numpy as np
import pytest

from platecast.stream._staging import Staging
from platecast.wire import AVAILABLE, MemfdSegment, Segment, SegmentPool, SpillFile

SHAPE = (600, 500)


@pytest.fixture
def staging():
    staging = Staging(SegmentPool(MemfdSegment, keep_bytes=64 << 20))
    yield staging
    staging.close()


def pixels(seed=0):
    return np.random.default_rng(seed).integers(0, 60000, SHAPE, dtype=np.uint16)


def content(staged):
    data = staged if isinstance(staged, bytes) else staged.read(pixels().nbytes)
    return np.frombuffer(data, np.uint16).reshape(SHAPE)


def stage(staging, image):
    return staging.copy(image, image.shape, image.dtype, image.nbytes)


@pytest.mark.skipif(not AVAILABLE, reason="plane memory is passed by descriptor on Linux only")
class TestLent:
    def test_is_taken_without_a_copy(self, staging):
        plane = staging.empty(SHAPE, np.dtype(np.uint16))
        plane[:] = pixels()
        address = plane.ctypes.data
        staged = stage(staging, plane)
        assert isinstance(staged, Segment)
        assert staged.view().ctypes.data == address
        assert np.array_equal(content(staged), pixels())
        staged.close()

    def test_is_read_only_once_it_is_sent(self, staging):
        plane = staging.empty(SHAPE, np.dtype(np.uint16))
        stage(staging, plane).close()
        with pytest.raises(ValueError, match="read-only"):
            plane[0, 0] = 1

    def test_is_used_again_where_it_was_never_sent(self, staging):
        plane = staging.empty(SHAPE, np.dtype(np.uint16))
        address = plane.ctypes.data
        del plane
        gc.collect()
        # More than are prepared ahead meanwhile, which may be given out first.
        again = [staging.empty(SHAPE, np.dtype(np.uint16)) for _ in range(100)]
        assert address in {plane.ctypes.data for plane in again}

    def test_a_part_of_it_is_copied(self, staging):
        plane = staging.empty(SHAPE, np.dtype(np.uint16))
        plane[:] = pixels()
        staged = stage(staging, plane[:550])
        assert np.array_equal(np.frombuffer(staged.read(550 * 500 * 2), np.uint16), plane[:550].ravel())
        plane[0, 0] = 7
        staged.close()


class TestSpillFile:
    @pytest.fixture
    def spill(self, tmp_path, monkeypatch):
        monkeypatch.setattr("platecast.wire._spill.spill_folder", lambda: tmp_path)
        spill = SpillFile(1000)
        yield spill
        spill.close()
        assert list(tmp_path.iterdir()) == [], "the file has no name"

    def test_gives_back_what_was_written(self, spill):
        first, second = spill.write(memoryview(b"a" * 400)), spill.write(memoryview(b"b" * 500))
        assert second.read(500) == b"b" * 500
        assert first.read(10, 390) == b"a" * 10

    def test_is_bounded(self, spill):
        first = spill.write(memoryview(bytes(600)))
        assert spill.write(memoryview(bytes(600))) is None
        first.close()
        assert spill.write(memoryview(bytes(600))) is not None

    def test_space_is_given_back_to_the_disk(self, spill):
        spill.limit_bytes = 100 << 20
        planes = [spill.write(memoryview(bytes([n]) * (1 << 20))) for n in range(8)]
        for plane in planes[:6]:
            plane.close()
        held = os.fstat(spill._file.fileno()).st_blocks * 512
        assert held <= 3 << 20
        assert planes[7].read(3) == b"\7\7\7"
        for plane in planes[6:]:
            plane.close()
        assert os.fstat(spill._file.fileno()).st_blocks == 0


def test_a_plane_comes_back_from_disk(staging, tmp_path, monkeypatch):
    monkeypatch.setattr("platecast.wire._spill.spill_folder", lambda: tmp_path)
    spilled = staging.copy_to_disk(pixels()[:, ::-1], np.dtype(np.uint16))
    staged = staging.from_disk(spilled)
    assert np.array_equal(content(staged), pixels()[:, ::-1])
    if isinstance(staged, Segment):
        staged.close()
