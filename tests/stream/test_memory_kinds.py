"""One contract for a stream, whatever memory its pixels travel in: every kind runs on Linux."""

import gc
import os

import msgspec
import numpy as np
import pytest

from platecast.config import Display
from platecast.stream._links import links
from platecast.wire import (
    AVAILABLE,
    MEMORY_VARIABLE,
    PROTOCOL_VERSION,
    Batch,
    Ledger,
    MemoryKind,
    NamedBuffer,
    PassBlocks,
    PlaneMemory,
    encode,
    page_rounded,
)
from tests.plain_sender import PIXELS, PlainSender, item
from tests.receiving import viewer_on
from tests.sending import LARGE, SMALL, open_stream, pattern
from tests.waiting import wait_until

KINDS = [kind for kind in MemoryKind if AVAILABLE or kind is not MemoryKind.MEMFD]
SHARED = [kind for kind in KINDS if kind is not MemoryKind.INLINE]


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch):
    monkeypatch.setenv(MEMORY_VARIABLE, request.param)
    return request.param


def shared_blocks():
    return {name for name in os.listdir("/dev/shm") if name.startswith("pc")}  # noqa: S108


PLANES = [
    pattern(LARGE),
    pattern(LARGE, "float32"),
    pattern(SMALL),
    pattern((300, 400, 3), "uint8"),
    pattern((1024, 1024))[::2, ::-2],
    pattern((511, 513), "uint8"),
]


def test_planes_arrive_pixel_for_pixel(kind, free_port):
    with viewer_on(free_port) as viewer, open_stream(free_port) as stream:
        for n, plane in enumerate(PLANES):
            stream.send(plane, well="A01", site=n)
        assert stream.flush(10) == viewer.ledger() == Ledger(sent=len(PLANES), shown=len(PLANES))
        (sender,) = viewer.status()["senders"]
        assert (sender["pid"], sender["memory"]) == (os.getpid(), kind)
        for arrival, plane in zip(viewer.planes, PLANES, strict=True):
            assert not arrival.array.flags.writeable
            np.testing.assert_array_equal(arrival.array, plane)
        links.close_all()


def test_what_waited_is_shown_and_never_written_again(kind, free_port):
    stream = open_stream(free_port, config={"budget_mb": 60.0})
    for n in range(100):
        stream.send(np.full(LARGE, n, np.uint16), well="A01", site=n)
    with viewer_on(free_port) as viewer:
        assert stream.flush(20).shown == 100
        for n in range(100, 160):
            stream.send(np.full(LARGE, n, np.uint16), well="A01", site=n)
        assert stream.flush(20).shown == 160
        assert sorted(arrival.plane.components.site for arrival in viewer.planes) == list(range(160))
        assert all(np.all(a.array == a.plane.components.site) for a in viewer.planes)
        links.close_all()
    assert not shared_blocks()
    assert all(np.all(a.array == a.plane.components.site) for a in viewer.planes)


def test_memory_comes_back_where_the_viewer_keeps_nothing(kind, free_port):
    with viewer_on(free_port, keep=False):
        stream = open_stream(free_port)
        pool = links.get(free_port, None).staging.pool
        for n in range(40):
            stream.send(pattern(LARGE), well="A01", site=n)
            stream.flush(5)
        gc.collect()
        wait_until(lambda: not pool._lent, "the pages come back")
        assert (pool._free_count > 1) is (kind is not MemoryKind.INLINE)
        assert len(shared_blocks()) <= 64
        links.close_all()


def test_viewer_that_restarts_gets_everything(kind, free_port):
    stream = open_stream(free_port)
    for n in range(3):
        with viewer_on(free_port) as viewer:
            for site in range(20 * n, 20 * n + 20):
                stream.send(np.full(LARGE, site, np.uint16), well="A01", site=site)
            wait_until(lambda: len(viewer.planes) >= 10, "planes arrive")
            assert all(np.all(a.array == a.plane.components.site) for a in viewer.planes)
    with viewer_on(free_port):
        assert stream.flush(10) == Ledger(sent=60, shown=60)


def test_lost_batch_is_sent_again(kind, free_port, monkeypatch):
    with viewer_on(free_port) as viewer:
        stream = open_stream(free_port)
        stream.send(pattern(SMALL), well="A01", site=0)
        assert stream.flush(5).settled
        sockets = links.get(free_port, None)._session.sockets
        send, lost = sockets.data.send_multipart, []

        class Losing:
            def send_multipart(self, *args, **options):
                if lost:
                    return send(*args, **options)
                return lost.append(args)

            def __getattr__(self, name):
                return getattr(data, name)

        data = sockets.data
        monkeypatch.setattr(sockets, "data", Losing())
        stream.send(pattern(LARGE), well="A01", site=1)
        assert stream.flush(10) == Ledger(sent=2, shown=2)
        monkeypatch.undo()
        assert len(lost) == 1
        assert np.array_equal(viewer.planes[1].array, pattern(LARGE))


def test_lent_memory_is_sent_without_a_copy(kind, free_port):
    with viewer_on(free_port) as viewer, open_stream(free_port) as stream:
        plane = stream.empty(LARGE, "uint16")
        plane[:] = pattern(LARGE)
        stream.send(plane, well="A01")
        unsent = stream.empty(LARGE, "uint16")
        assert stream.flush(5).shown == 1
        assert np.array_equal(viewer.planes[0].array, pattern(LARGE))
        links.close_all()
        unsent[:] = 1
        assert unsent.sum() == unsent.size


@pytest.mark.skipif(not AVAILABLE, reason="there is no memfd")
@pytest.mark.parametrize(
    ("sender", "viewer", "memory"),
    [
        ("memfd", "named", "inline"),
        ("memfd", "inline", "inline"),
        ("named", "memfd", "named"),
        ("named", "inline", "inline"),
        ("inline", "memfd", "inline"),
    ],
)
def test_what_both_ends_know_is_used(sender, viewer, memory, free_port, monkeypatch, caplog):
    monkeypatch.setenv(MEMORY_VARIABLE, viewer)
    with viewer_on(free_port) as receiving:
        monkeypatch.setenv(MEMORY_VARIABLE, sender)
        stream = open_stream(free_port)
        stream.send(pattern(LARGE), well="A01")
        assert stream.flush(5) == Ledger(sent=1, shown=1)
        assert [each["memory"] for each in receiving.status()["senders"]] == [memory]
        assert np.array_equal(receiving.planes[0].array, pattern(LARGE))
    assert ("pixels travel inside messages" in caplog.text) is (sender not in ("inline", memory))


class TestNames:
    """Blocks are vouched for on the control channel by who knows the nonce, and by nobody else."""

    @pytest.fixture
    def sender(self, free_port, monkeypatch):
        monkeypatch.setenv(MEMORY_VARIABLE, "named")
        with viewer_on(free_port) as viewer:
            sender = PlainSender(viewer)
            sender.viewer = viewer
            sender.welcome = sender.greet()
            yield sender
            sender.close()

    @pytest.fixture
    def segment(self, runtime_dir):
        memory = PlaneMemory(MemoryKind.NAMED)
        segment = memory.segment(page_rounded(48))
        segment.write(PIXELS)
        yield segment
        segment.close()
        memory.close()

    def attach(self, sender):
        assert sender.sockets.attach(sender.welcome, sender.sender, sender.counters)
        wait_until(
            lambda: sender.heard.extend(sender.sockets.poll(0)) or sender.sockets.attached, "it is attached"
        )
        wait_until(lambda: sender.sockets.poll(0) or sender.sockets.subscribed, "the viewer subscribes")

    def pass_block(self, sender, segment, number=1, nonce=None):
        buffers = (NamedBuffer(number, segment.capacity, segment.name),)
        nonce = sender.welcome.nonce if nonce is None else nonce
        assert sender.sockets.say(PassBlocks(sender=sender.sender, nonce=nonce, buffers=buffers))

    def refused(self, sender, count):
        wait_until(lambda: sender.viewer.status()["refused"] >= count, f"{count} are refused")

    def test_batch_that_overtakes_the_name_of_its_block_waits_for_it_and_others_behind_it(
        self, sender, segment
    ):
        self.attach(sender)
        sender.publish(item(1, frame=None, buffer=1), frames=())
        sender.publish(item(2))
        wait_until(lambda: len(next(iter(sender.viewer.receiver._roster)).parked) == 2, "both wait")
        self.pass_block(sender, segment)
        sender.settled(2)
        assert [arrival.ticket.seq for arrival in sender.viewer.planes] == [1, 2]
        assert np.array_equal(sender.viewer.planes[0].array, PIXELS)

    def test_name_that_never_comes_fails_its_plane_alone(self, sender):
        self.attach(sender)
        sender.publish(item(1, frame=None, buffer=1), item(2))
        sender.settled(2)
        assert sender.viewer.ledger().failure_reasons == {"buffer 1 was not handed over": 1}
        assert sender.viewer.ledger().shown == 1

    def test_block_that_is_gone_fails_its_plane_alone(self, sender, segment):
        self.attach(sender)
        segment.close()
        self.pass_block(sender, segment)
        sender.publish(item(1, frame=None, buffer=1), item(2))
        sender.settled(2)
        assert sender.viewer.ledger().counts() == Ledger(sent=2, shown=1, failed=1).counts()

    def test_names_are_refused_without_the_nonce(self, sender, segment):
        self.attach(sender)
        self.pass_block(sender, segment, nonce=bytes(16))
        self.refused(sender, 1)
        sender.publish(item(1, frame=None, buffer=1), frames=())
        sender.settled(1)
        assert sender.viewer.ledger().failed == 1

    def test_names_are_refused_before_attaching(self, sender, segment):
        self.pass_block(sender, segment)
        self.refused(sender, 1)

    def test_counters_are_refused_without_the_nonce(self, sender):
        sender.sockets.attach(
            type(sender.welcome)(
                version=PROTOCOL_VERSION,
                instance=bytes(16),
                handover="",
                nonce=bytes(16),
                window_bytes=1,
                named=True,
            ),
            sender.sender,
            sender.counters,
        )
        self.refused(sender, 1)
        assert not sender.sockets.attached

    def test_data_message_that_names_a_block_itself_is_refused(self, sender, segment):
        """Nobody vouches for it: there is no such field, and without one the plane has no pixels."""
        self.attach(sender)
        said = Batch(
            version=PROTOCOL_VERSION,
            sender=sender.sender,
            items=(item(1, frame=None),),
            displays=(Display(),),
        )
        header = msgspec.msgpack.decode(encode(said))
        header["items"][0] |= {"name": segment.name, "size": segment.capacity}
        topic = bytes.fromhex(sender.viewer.endpoint.instance)
        sender.sockets.data.send_multipart([topic, msgspec.msgpack.encode(header)])
        sender.settled(1)
        (reason,) = sender.viewer.ledger().failure_reasons
        assert "rest nowhere" in reason

    def test_sender_that_ends_leaves_no_mapping(self, sender, segment):
        self.attach(sender)
        self.pass_block(sender, segment)
        self.pass_block(sender, segment, number=2)
        sender.beat(base=1, sent=0, last=True)
        wait_until(lambda: not sender.viewer.status()["senders"], "the sender has left")
        gc.collect()
        with open("/proc/self/maps") as maps:
            assert sum(segment.name in line for line in maps) == 1
