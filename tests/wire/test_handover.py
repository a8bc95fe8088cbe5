"""The unix socket: descriptors come through whole, and what is malformed is closed."""

import contextlib
import os
import socket
import stat
import struct

import pytest

from platecast.errors import ProtocolError
from platecast.wire import AVAILABLE
from platecast.wire._handover import Attached, HandedOver, HandoverConnection, HandoverListener

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="descriptors are passed on Linux only")

SENDER, NONCE = bytes(range(16)), bytes(range(16, 32))


@pytest.fixture(autouse=True)
def _no_descriptor_is_left():
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def path(runtime_dir):
    return runtime_dir / "5555-0.sock"


@pytest.fixture
def ends(path):
    """A sender's end and a viewer's end, connected."""
    listener = HandoverListener(path)
    sender = HandoverConnection.connect(str(path))
    viewer = listener.accept()
    yield sender, viewer
    for each in (sender, viewer, listener):
        each.close()


@pytest.fixture
def memory():
    fd = os.memfd_create("test")
    os.pwrite(fd, b"pixels", 0)
    yield fd
    os.close(fd)


def test_listener_is_private_and_leaves_no_file(path):
    listener = HandoverListener(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert listener.accept() is None
    listener.close()
    assert not path.exists()


def test_stale_socket_is_replaced(path):
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stale.bind(str(path))
    stale.close()
    listener = HandoverListener(path)
    HandoverConnection.connect(str(path)).close()
    listener.accept().close()
    listener.close()


def test_nobody_there_is_an_error_at_once(path):
    with pytest.raises(FileNotFoundError):
        HandoverConnection.connect(str(path))


def test_attaching_lends_the_counters(ends, memory):
    sender, viewer = ends
    sender.attach(SENDER, NONCE, memory)
    attached = viewer.receive()
    assert (attached.sender, attached.nonce) == (SENDER, NONCE)
    assert os.pread(attached.counters_fd, 6, 0) == b"pixels"
    os.close(attached.counters_fd)
    viewer.confirm()
    assert sender.receive() is True


def test_buffers_come_in_order_with_their_number_and_size(ends, memory):
    sender, viewer = ends
    for number in (1, 2, 2**40):
        sender.hand_over(number, 6, memory)
    records = [viewer.receive() for _ in range(3)]
    assert [(record.number, record.size) for record in records] == [(1, 6), (2, 6), (2**40, 6)]
    for record in records:
        assert os.pread(record.fd, 6, 0) == b"pixels"
        assert not os.get_inheritable(record.fd), "a process that the viewer starts would keep it open"
        os.close(record.fd)


def test_nothing_waits(ends):
    assert [end.receive() for end in ends] == [None, None]


def test_end_of_the_other_process_is_seen_after_its_last_record(ends, memory):
    sender, viewer = ends
    sender.hand_over(1, 6, memory)
    sender.close()
    record = viewer.receive()
    os.close(record.fd)
    assert isinstance(record, HandedOver)
    assert viewer.receive() is False


def test_full_socket_does_not_block_and_loses_nothing(ends, memory):
    sender, viewer = ends
    passed = 0
    with contextlib.suppress(BlockingIOError):
        while passed < 100_000:
            sender.hand_over(passed + 1, 6, memory)
            passed += 1
    assert 0 < passed < 100_000
    numbers = []
    while isinstance(record := viewer.receive(), HandedOver):
        numbers.append(record.number)
        os.close(record.fd)
    assert numbers == list(range(1, passed + 1))


ATTACH = struct.pack("!c16s16s", b"A", SENDER, NONCE)
SEGMENT = struct.pack("!cQQ", b"S", 1, 6)
FOREIGN = {
    "unknown letter": (b"Q" + ATTACH[1:], 1),
    "attach without counters": (ATTACH, 0),
    "attach with two descriptors": (ATTACH, 2),
    "attach cut short": (ATTACH[:-1], 1),
    "buffer without a descriptor": (SEGMENT, 0),
    "buffer with three descriptors": (SEGMENT, 3),
    "buffer with more descriptors than are ever read": (SEGMENT, 40),
    "buffer with more fields": (SEGMENT + b"\0", 1),
    "longer than any record": (bytes(5000), 0),
    "confirmation with a descriptor": (b"K", 1),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_record_is_refused_and_its_descriptors_are_closed(name, ends, memory):
    sender, viewer = ends
    data, descriptors = FOREIGN[name]
    raw = sender._socket
    if descriptors:
        socket.send_fds(raw, [data], [memory] * descriptors)
    else:
        raw.send(data)
    with pytest.raises(ProtocolError, match="a record of"):
        viewer.receive()


def test_types_of_records_differ(memory):
    assert Attached(SENDER, NONCE, memory) != HandedOver(1, 6, memory)
