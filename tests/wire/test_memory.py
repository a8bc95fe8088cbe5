"""Plane memory: one contract for every kind, mapped read-only, and gone with its last view.

What only one kind promises is tested below: seals of a memfd, names and their register of named blocks.
"""

import fcntl
import gc
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from platecast.errors import ConfigError, ProtocolError
from platecast.wire import (
    AVAILABLE,
    MEMORY_VARIABLE,
    CountersView,
    MemfdSegment,
    MemoryKind,
    PassedBlock,
    PassedDescriptor,
    PlaneMemory,
    SegmentPool,
    map_read_only,
    memory_kind,
    page_rounded,
    remove_stale_blocks,
)

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="the other kinds are tested beside memfd, on Linux")

PAGE = page_rounded(1)
RAMP = np.arange(PAGE // 2, dtype=np.uint16).reshape(8, -1)
SHARED = (MemoryKind.MEMFD, MemoryKind.NAMED)


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True, scope="module")
def _resource_tracker_runs():
    """Python starts it with the first named block, up to 3.12, and keeps a pipe to it."""
    memory = PlaneMemory(MemoryKind.NAMED)
    memory.segment(PAGE).close()
    memory.close()


@pytest.fixture(autouse=True)
def _no_descriptor_is_left():
    before = open_descriptors()
    yield
    gc.collect()
    assert open_descriptors() == before


def passed(segment):
    """Return a segment as it reaches another process."""
    if isinstance(segment, MemfdSegment):
        return PassedDescriptor(os.dup(segment.fd))
    return PassedBlock(segment.name, segment.capacity)


@pytest.mark.parametrize("kind", SHARED)
class TestContract:
    """What every kind of shared memory promises."""

    @pytest.fixture
    def memory(self, kind, runtime_dir):
        memory = PlaneMemory(kind)
        yield memory
        memory.close()

    @pytest.fixture
    def segment(self, memory):
        segment = memory.segment(PAGE)
        yield segment
        segment.close()

    @pytest.fixture
    def mapped(self, segment):
        """Return a function that maps a segment's bytes as another process would."""

        def mapped(nbytes, on_release=None):
            buffer = passed(segment)
            try:
                return buffer.map(nbytes, on_release)
            finally:
                buffer.close()

        return mapped

    def test_what_is_written_is_what_the_other_side_maps(self, segment, mapped):
        segment.write(RAMP)
        assert np.array_equal(mapped(RAMP.nbytes).view(np.uint16).reshape(RAMP.shape), RAMP)

    def test_what_is_written_later_is_seen_through_an_earlier_mapping(self, segment, mapped):
        segment.write(RAMP)
        array = mapped(PAGE)
        segment.write(RAMP[::-1].copy())
        assert array[: RAMP.nbytes].tobytes() == RAMP[::-1].tobytes()

    @pytest.mark.parametrize("first", ["write", "view", "prepare", "allocate"])
    def test_later_content_replaces_the_first(self, segment, first):
        actions = {
            "write": lambda: segment.write(RAMP),
            "view": segment.view,
            "prepare": segment.prepare,
            "allocate": segment.allocate,
        }
        actions[first]()
        segment.write(RAMP[::-1].copy())
        assert segment.read(RAMP.nbytes) == RAMP[::-1].tobytes()

    @pytest.mark.parametrize("nbytes", [1, 100, PAGE, (1 << 20) + 2 * PAGE])
    def test_any_size_is_written_whole(self, memory, nbytes):
        segment = memory.segment(page_rounded(nbytes))
        for value in (1, 2):
            segment.write(np.full(nbytes, value, np.uint8))
            assert segment.read(nbytes) == bytes([value]) * nbytes
        segment.close()

    def test_part_of_a_segment_can_be_read(self, segment):
        segment.write(RAMP)
        assert segment.read(4, 6) == RAMP.tobytes()[6:10]

    def test_mapping_is_read_only(self, mapped):
        array = mapped(PAGE)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1

    def test_mapping_outlives_the_segment(self, memory):
        segment = memory.segment(PAGE)
        segment.write(RAMP)
        buffer = passed(segment)
        array = buffer.map(RAMP.nbytes)
        buffer.close()
        segment.close()
        assert segment.closed
        assert array.tobytes() == RAMP.tobytes()

    def test_array_that_was_lent_outlives_the_segment(self, memory):
        segment = memory.segment(PAGE)
        array = segment.view()
        segment.close()
        array[:] = 7
        assert array.sum() == 7 * PAGE

    def test_release_is_told_when_the_last_view_goes_and_only_then(self, mapped):
        released = threading.Event()
        array = mapped(PAGE, released.set)
        view = array.view("<u2").reshape(8, -1)[2:4]
        del array
        gc.collect()
        assert not released.is_set()
        del view
        assert released.is_set()

    def test_buffer_that_is_too_small_is_refused(self, mapped):
        with pytest.raises(ProtocolError, match=f"segment of {PAGE} bytes does not hold {PAGE + 1}"):
            mapped(PAGE + 1)

    def test_buffer_that_is_never_mapped_is_let_go(self, segment):
        buffer = passed(segment)
        buffer.close()
        buffer.close()

    def test_segment_may_be_closed_twice(self, memory):
        segment = memory.segment(PAGE)
        segment.close()
        segment.close()
        assert (segment.closed, segment.descriptor) == (True, -1)

    def test_counters_are_read_by_the_other_side_and_after_their_owner(self, memory):
        counters = memory.counters()
        buffer = passed(counters.segment)
        view = CountersView(buffer)
        buffer.close()
        counters.write(100, 7, 20)
        assert view.read() == (100, 7, 20)
        counters.write(2**63, 0, 0)
        counters.close()
        counters.write(1, 1, 1)
        assert view.read() == (2**63, 0, 0)

    def test_closed_memory_leaves_nothing(self, memory, runtime_dir):
        before = set(os.listdir("/dev/shm"))  # noqa: S108
        segments = [memory.segment(PAGE) for _ in range(100)]
        for segment in segments:
            segment.close()
        memory.close()
        assert set(os.listdir("/dev/shm")) == before  # noqa: S108
        assert list(runtime_dir.iterdir()) == []


class TestKind:
    @pytest.mark.parametrize("kind", MemoryKind)
    def test_environment_chooses(self, kind, monkeypatch):
        monkeypatch.setenv(MEMORY_VARIABLE, kind)
        assert memory_kind() is kind

    @pytest.mark.parametrize(("has_memfd", "kind"), [(True, "memfd"), (False, "inline")])
    def test_system_decides_where_nobody_chose(self, has_memfd, kind, monkeypatch):
        monkeypatch.delenv(MEMORY_VARIABLE, raising=False)
        monkeypatch.setattr("platecast.wire._memory.AVAILABLE", has_memfd)
        assert memory_kind() == kind

    @pytest.mark.parametrize(("chosen", "has_memfd"), [("shared", True), ("memfd", False)])
    def test_what_this_system_lacks_is_an_error_that_says_what_it_has(self, chosen, has_memfd, monkeypatch):
        monkeypatch.setenv(MEMORY_VARIABLE, chosen)
        monkeypatch.setattr("platecast.wire._memory.AVAILABLE", has_memfd)
        with pytest.raises(
            ConfigError, match=rf"PLATECAST_MEMORY='{chosen}': this system has .*named, inline"
        ):
            memory_kind()

    def test_inline_has_counters_of_its_own_and_no_segments(self):
        memory = PlaneMemory(MemoryKind.INLINE)
        counters = memory.counters()
        counters.write(1, 2, 3)
        assert counters.segment is None
        with pytest.raises(OSError, match="inside messages"):
            memory.segment(PAGE)


class TestMemfd:
    @pytest.fixture
    def segment(self):
        segment = MemfdSegment(PAGE)
        yield segment
        segment.close()

    def test_nobody_can_shrink_a_segment(self, segment):
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


LEAVE_BLOCKS = """
import json, sys, numpy
from platecast.wire import MemoryKind, PlaneMemory
memory = PlaneMemory(MemoryKind.NAMED)
segments = [memory.segment(4096) for _ in range(70)]
for segment in segments:
    segment.write(numpy.ones(4096, "uint8"))
print(json.dumps([segment.name for segment in segments]), flush=True)
sys.stdin.read()
"""


def exists(name):
    return os.path.exists(f"/dev/shm/{name}")  # noqa: S108


class TestNamed:
    @pytest.fixture
    def memory(self, runtime_dir):
        memory = PlaneMemory(MemoryKind.NAMED)
        yield memory
        memory.close()

    @pytest.fixture
    def owner(self, runtime_dir):
        """Another process with seventy blocks, and their names."""
        process = subprocess.Popen(
            [sys.executable, "-c", LEAVE_BLOCKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        yield process, json.loads(process.stdout.readline())
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def test_names_are_registered_before_they_exist(self, memory, runtime_dir):
        segment = memory.segment(PAGE)
        (register,) = runtime_dir.iterdir()
        noted = json.loads(register.read_bytes())
        assert (noted["pid"], f"{noted['prefix']}_1") == (os.getpid(), segment.name)
        assert noted["count"] >= 1
        segment.close()
        assert not exists(segment.name)

    def test_blocks_of_a_killed_process_are_removed_by_whoever_comes_next(self, owner, memory, runtime_dir):
        process, names = owner
        assert remove_stale_blocks() == 0, "they are in use"
        assert all(map(exists, names))
        process.kill()
        process.wait()
        assert all(map(exists, names)), "its resource tracker does not know them"
        memory.segment(PAGE).close()
        assert not any(map(exists, names))
        assert [path.name for path in runtime_dir.iterdir()] == [f"{memory._blocks._prefix}.blocks"]

    def test_blocks_stay_when_a_process_that_attached_exits(self, memory):
        """Up to Python 3.12 attaching registers with a tracker that unlinks at exit."""
        segment = memory.segment(PAGE)
        segment.write(RAMP)
        attach = (
            f"from platecast.wire import PassedBlock; print(PassedBlock({segment.name!r}, {PAGE}).map(8))"
        )
        done = subprocess.run([sys.executable, "-c", attach], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("[0 0 1 0 2 0 3 0]\n", "")
        assert exists(segment.name)
        segment.close()

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("pc00000000_1", "cannot be opened"),
            ("../etc/passwd", "no name of a block"),
            ("psm_12345678", "no name of a block"),
            ("pc00000000_1\n", "no name of a block"),
            ("", "no name of a block"),
        ],
    )
    def test_name_that_is_none_of_ours_is_refused(self, name, words):
        with pytest.raises(ProtocolError, match=words):
            PassedBlock(name, PAGE)

    def test_block_that_is_smaller_than_was_said_is_refused(self, memory):
        segment = memory.segment(PAGE)
        with pytest.raises(ProtocolError, match=f"of {PAGE} bytes is smaller than the {2 * PAGE}"):
            PassedBlock(segment.name, 2 * PAGE)
        segment.close()

    def test_block_that_somebody_removed_can_be_closed(self, memory):
        segment = memory.segment(PAGE)
        os.unlink(f"/dev/shm/{segment.name}")  # noqa: S108
        segment.close()

    def test_register_that_cannot_be_read_is_left_and_said(self, runtime_dir, caplog):
        path = runtime_dir / "pc00000000.blocks"
        path.write_text("{")
        assert remove_stale_blocks() == 0
        assert "remove it" in caplog.text
        path.unlink()


class TestPool:
    @pytest.fixture
    def pool(self):
        pool = SegmentPool(MemfdSegment, keep_bytes=8 * PAGE, keep_count=4)
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
        segment = MemfdSegment(3 * PAGE)
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
        assert segment.closed

    def test_no_more_than_the_count_is_kept(self, pool):
        segments = [MemfdSegment(PAGE) for _ in range(9)]
        for segment in segments:
            pool.give_back(segment)
        assert sum(segment.closed is False for segment in segments) <= 4

    def test_no_more_than_the_bytes_are_kept(self, pool):
        segments = [MemfdSegment(3 * PAGE) for _ in range(4)]
        for number, segment in enumerate(segments):
            pool.lend(number, segment)
        assert sum(segment.closed is False for segment in segments) == 2

    def test_what_is_larger_than_all_that_is_kept_is_closed(self, pool):
        segment = pool.take(9 * PAGE)
        pool.give_back(segment)
        assert segment.closed

    def test_free_segment_takes_the_place_of_a_lent_one(self, pool):
        lent, free = MemfdSegment(5 * PAGE), MemfdSegment(5 * PAGE)
        pool.lend(1, lent)
        pool.give_back(free)
        assert (lent.fd, free.closed is False) == (-1, True)

    def test_lent_segments_take_the_place_of_a_size_that_is_not_sent_any_more(self, pool, take):
        before = [MemfdSegment(PAGE) for _ in range(4)]
        for segment in before:
            pool.give_back(segment)
        lent = [MemfdSegment(2 * PAGE) for _ in range(3)]
        for number, segment in enumerate(lent):
            pool.lend(number, segment)
        assert [segment.closed for segment in lent] == [False, False, True]
        assert sum(segment.closed for segment in before) == 2, "its spares stay: planes may take turns"
        pool.freed(0)
        assert lent[0] in [take(2 * PAGE) for _ in range(4)]

    def test_what_is_too_large_to_keep_takes_no_place(self, pool):
        kept = MemfdSegment(PAGE)
        pool.give_back(kept)
        pool.give_back(MemfdSegment(9 * PAGE))
        assert not kept.closed

    def test_close_leaves_nothing(self, pool):
        segments = [MemfdSegment(PAGE) for _ in range(2)]
        pool.give_back(segments[0])
        pool.lend(1, segments[1])
        pool.close()
        assert [segment.fd for segment in segments] == [-1, -1]

    def test_close_ends_the_supplier_although_a_call_was_interrupted(self):
        """An interrupt (Ctrl-C) in the middle of `notify` leaves a waiter behind that nobody is."""
        pool = SegmentPool(MemfdSegment, keep_bytes=8 * PAGE)
        pool.take(PAGE).close()
        gone = threading.Lock()
        pool._wanted._waiters.appendleft(gone)
        pool.close()
        assert not pool._supplier.is_alive()
