"""Plane memory: sealed, mapped read-only, and gone with its last view."""

import fcntl
import gc
import os
import threading

import numpy as np
import pytest

from platecast.errors import ProtocolError
from platecast.wire import (
    AVAILABLE,
    Counters,
    CountersView,
    Segment,
    SegmentPool,
    map_read_only,
    page_rounded,
)

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="plane memory is passed by descriptor on Linux only")

PAGE = page_rounded(1)
RAMP = np.arange(PAGE // 2, dtype=np.uint16).reshape(8, -1)


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def segment():
    segment = Segment(PAGE)
    yield segment
    segment.close()


@pytest.fixture(autouse=True)
def _no_descriptor_is_left():
    before = open_descriptors()
    yield
    gc.collect()
    assert open_descriptors() == before


def test_what_is_written_is_what_the_other_side_maps(segment):
    segment.write(RAMP)
    mapped = map_read_only(segment.fd, RAMP.nbytes)
    assert np.array_equal(mapped.view(np.uint16).reshape(RAMP.shape), RAMP)


@pytest.mark.parametrize("first", ["write", "view", "prepare"])
def test_later_content_replaces_the_first(segment, first):
    {"write": lambda: segment.write(RAMP), "view": segment.view, "prepare": segment.prepare}[first]()
    segment.write(RAMP[::-1].copy())
    assert segment.read(RAMP.nbytes) == RAMP[::-1].tobytes()


def test_part_of_a_segment_can_be_read(segment):
    segment.write(RAMP)
    assert segment.read(4, 6) == RAMP.tobytes()[6:10]


def test_mapping_is_read_only(segment):
    mapped = map_read_only(segment.fd, PAGE)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 1


def test_mapping_outlives_the_descriptor_and_the_segment():
    segment = Segment(PAGE)
    segment.write(RAMP)
    mapped = map_read_only(segment.fd, RAMP.nbytes)
    segment.close()
    assert mapped.tobytes() == RAMP.tobytes()


def test_release_is_told_when_the_last_view_goes_and_only_then(segment):
    released = threading.Event()
    mapped = map_read_only(segment.fd, PAGE, released.set)
    view = mapped.view("<u2").reshape(8, -1)[2:4]
    del mapped
    gc.collect()
    assert not released.is_set()
    del view
    assert released.is_set()


def test_nobody_can_shrink_a_segment(segment):
    with pytest.raises(PermissionError):
        os.ftruncate(segment.fd, 0)
    with pytest.raises(PermissionError):
        os.ftruncate(segment.fd, 2 * PAGE)


def unsealed():
    fd = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, PAGE)
    return fd


def sealed_against_growth_only():
    fd = unsealed()
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return fd


def regular_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(PAGE))
    return os.open(path, os.O_RDWR)


STRANGERS = {
    "not sealed": (lambda _: unsealed(), "not sealed"),
    "sealed against growth only": (lambda _: sealed_against_growth_only(), "not sealed"),
    "a file": (regular_file, "no sealable memory"),
    "a device": (lambda _: os.open("/dev/null", os.O_RDWR), "0 bytes does not hold"),
    "a folder": (lambda path: os.open(path, os.O_RDONLY), "does not hold|no sealable"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_descriptor_that_is_no_sealed_memory_is_refused(name, tmp_path):
    opened, words = STRANGERS[name]
    fd = opened(tmp_path)
    try:
        with pytest.raises(ProtocolError, match=words):
            map_read_only(fd, PAGE)
    finally:
        os.close(fd)


def test_segment_that_is_too_small_is_refused(segment):
    with pytest.raises(ProtocolError, match=f"segment of {PAGE} bytes does not hold {PAGE + 1}"):
        map_read_only(segment.fd, PAGE + 1)


def test_counters_are_read_through_the_descriptor_and_after_their_owner():
    counters = Counters()
    view = CountersView(counters.fd)
    counters.write(100, 7, 20)
    assert view.read() == (100, 7, 20)
    counters.write(2**63, 0, 0)
    counters.close()
    assert view.read() == (2**63, 0, 0)


class TestPool:
    @pytest.fixture
    def pool(self):
        pool = SegmentPool(keep_bytes=8 * PAGE, keep_count=4)
        yield pool
        pool.close()

    @pytest.fixture
    def take(self, pool):
        taken = []

        def take(nbytes):
            taken.append(pool.take(nbytes))
            return taken[-1]

        yield take
        for segment in taken:
            segment.close()

    def test_segment_that_came_back_is_used_again(self, pool, take):
        segment = take(PAGE)
        pool.give_back(segment)
        assert segment in [take(PAGE) for _ in range(4)]

    def test_sizes_are_not_mixed(self, pool, take):
        pool.give_back(take(PAGE))
        assert take(PAGE + 1).capacity == 2 * PAGE

    def test_lent_segment_is_used_again_once_it_is_freed(self, pool, take):
        segment = Segment(3 * PAGE)
        pool.lend(1, segment)
        assert segment not in [take(3 * PAGE) for _ in range(2)]
        pool.freed(1)
        assert segment in [take(3 * PAGE) for _ in range(4)]

    def test_freeing_an_unknown_number_is_nothing(self, pool):
        pool.freed(5)

    def test_forgotten_segments_are_closed_and_never_come_back(self, pool):
        segment = pool.take(PAGE)
        pool.lend(1, segment)
        pool.forget_lent()
        pool.freed(1)
        assert segment.fd == -1

    def test_no_more_than_the_count_is_kept(self, pool):
        segments = [Segment(PAGE) for _ in range(9)]
        for segment in segments:
            pool.give_back(segment)
        assert sum(segment.fd >= 0 for segment in segments) <= 4

    def test_no_more_than_the_bytes_are_kept(self, pool):
        segments = [Segment(3 * PAGE) for _ in range(4)]
        for number, segment in enumerate(segments):
            pool.lend(number, segment)
        assert sum(segment.fd >= 0 for segment in segments) == 2

    def test_what_is_larger_than_all_that_is_kept_is_closed(self, pool):
        segment = pool.take(9 * PAGE)
        pool.give_back(segment)
        assert segment.fd == -1

    def test_free_segment_takes_the_place_of_a_lent_one(self, pool):
        lent, free = Segment(5 * PAGE), Segment(5 * PAGE)
        pool.lend(1, lent)
        pool.give_back(free)
        assert (lent.fd, free.fd >= 0) == (-1, True)

    def test_close_leaves_nothing(self, pool):
        segments = [Segment(PAGE) for _ in range(2)]
        pool.give_back(segments[0])
        pool.lend(1, segments[1])
        pool.close()
        assert [segment.fd for segment in segments] == [-1, -1]
