"""What strangers, and those whose keys were revoked, may ask of the sockets for other machines."""

import contextlib
import os
import select
import socket
import struct
import threading

import msgspec
import pytest
import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.wire import _door, pair_for, revoke_key
from platecast.wire._door import Door
from platecast.wire._strangers import CAN_WATCH, MOST_BYTES, MOST_STRANGERS
from tests.waiting import wait_until

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)
needs_counts = pytest.mark.skipif(not CAN_WATCH, reason="TCP counts for us on Linux only")


@pytest.fixture
def door(monkeypatch, tmp_path, free_port):
    monkeypatch.setenv("PLATECAST_KEYS_DIR", str(tmp_path / "keys"))
    # The one address that every machine has; a door refuses it otherwise.
    monkeypatch.setattr(_door, "listen_address", lambda listen: listen)
    context = zmq.Context()
    door = Door(context, "127.0.0.1", free_port, b"i" * 16)
    door.port = free_port
    yield door
    door.close(0.0)
    context.term()


def turn(door):
    """Do what the receiver's thread does in a round; return what came."""
    door.admission.answer()
    door.strangers.look()
    return [(origin, [f.bytes for f in frames]) for origin, frames in door.read(door.control, 64)]


@contextlib.contextmanager
def dealer(pairing):
    context = zmq.Context()
    with context.socket(zmq.DEALER) as each:
        each.linger = 0
        each.curve_serverkey = pairing.viewer_key.encode()
        each.curve_secretkey = pairing.secret_key.encode()
        each.curve_publickey = pairing.public_key.encode()
        each.connect(pairing.control_address)
        yield each
    context.term()


def stranger(door, sent=b""):
    each = socket.create_connection(("127.0.0.1", door.port + CONTROL_PORT_OFFSET), timeout=5)
    each.sendall(sent)
    return each


def is_closed(connection):
    """Say whether the other end has closed a connection; what it said before is read."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@needs_counts
def test_many_strangers_lock_out_only_themselves(door):
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(stranger(door)) for _ in range(MOST_STRANGERS + 10)]

        def first_are_cut():
            turn(door)
            return all(map(is_closed, strangers[:10]))

        wait_until(first_are_cut, "the oldest are cut")
        assert not any(map(is_closed, strangers[10:]))
        assert len(door.strangers) == MOST_STRANGERS
        assert door.strangers.cut == 10


@needs_counts
def test_stranger_is_cut_who_sends_more_than_a_greeting(door):
    # A command of one gigabyte, which ZeroMQ would read into memory before it asks who it is.
    with stranger(door, GREETING + b"\x06" + struct.pack(">Q", 1 << 30) + bytes(MOST_BYTES)) as each:

        def is_cut():
            turn(door)
            return is_closed(each)

        wait_until(is_cut, "it is cut")
    assert len(door.strangers) == 0


@needs_counts
def test_who_is_let_in_is_no_stranger_and_may_send_much(door):
    with dealer(pair_for("cluster", "127.0.0.1", door.port)) as each:
        each.send(bytes(500_000))
        (origin, frames), *_ = wait_until(lambda: turn(door), "it is let in")
        assert origin == "cluster"
        assert len(frames[-1]) == 500_000
        wait_until(lambda: turn(door) or not len(door.strangers), "it is known")
        assert door.strangers.cut == 0


@needs_counts
def test_descriptor_that_is_another_ones_by_now_is_left_alone(door):
    listener = socket.create_server(("127.0.0.1", 0))
    reader, writer = os.pipe()
    with listener, socket.create_connection(listener.getsockname()) as one, listener.accept()[0] as other:
        for number in (reader, writer, other.fileno()):
            _door.cut_connection(door.port, number)
        one.sendall(b"still there")
        assert other.recv(100) == b"still there"
    for each in (reader, writer):
        os.close(each)


@pytest.mark.parametrize("name_is_given_again", [False, True])
def test_revoked_key_ends_the_connection_that_stands(door, name_is_given_again):
    with dealer(pair_for("guest", "127.0.0.1", door.port)) as each, each.get_monitor_socket() as monitor:
        each.send(b"before")
        wait_until(lambda: turn(door), "it is let in")
        revoke_key("guest")
        if name_is_given_again:
            pair_for("guest", "127.0.0.1", door.port)
        each.send(b"after")

        def is_cut():
            assert turn(door) == []
            with contextlib.suppress(zmq.Again):
                while True:
                    event, _ = monitor.recv_multipart(zmq.DONTWAIT)
                    if event[:2] == struct.pack("=H", zmq.Event.DISCONNECTED):
                        return True
            return False

        wait_until(is_cut, "its connection ends")
        each.disable_monitor()


class Recorder(threading.Thread):
    """Stands between a sender and a door, and keeps what the sender said."""

    def __init__(self, port):
        super().__init__(name="recorder")
        self.heard = b""
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self):
        with (
            self._listener,
            self._listener.accept()[0] as near,
            socket.create_connection(("127.0.0.1", self._port)) as far,
        ):
            while True:
                for each in select.select([near, far], [], [])[0]:
                    said = each.recv(1 << 16)
                    if not said:
                        return
                    if each is near:
                        self.heard += said
                    (far if each is near else near).sendall(said)


def test_what_was_recorded_on_the_cable_is_worth_nothing(door):
    recorder = Recorder(door.port + CONTROL_PORT_OFFSET)
    recorder.start()
    pairing = pair_for("cluster", "127.0.0.1", door.port)
    with dealer(msgspec.structs.replace(pairing, port=recorder.port - CONTROL_PORT_OFFSET)) as each:
        each.send(b"a secret message")
        wait_until(lambda: turn(door), "it is let in")
    recorder.join(10)
    assert b"a secret message" not in recorder.heard
    with stranger(door, recorder.heard) as again:

        def is_closed_after_nothing_came():
            assert turn(door) == []
            return is_closed(again)

        wait_until(is_closed_after_nothing_came, "it is closed")
