"""The receiver against a sender that is written out message by message, and that lies."""

import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import zmq

from platecast.config import Display
from platecast.errors import ViewerCommandError
from platecast.viewer._inbox._inbox import Receiver
from platecast.wire import (
    AVAILABLE,
    PROTOCOL_VERSION,
    Ack,
    Batch,
    Beat,
    Data,
    Hello,
    Ledger,
    MemfdSegment,
    MemoryKind,
    Refused,
    Request,
    ask,
    decode_batch,
    encode,
    new_instance,
    page_rounded,
)
from tests.plain_sender import PIXELS, PlainSender, item
from tests.receiving import TOKEN, viewer_on
from tests.waiting import wait_until

by_descriptor = pytest.mark.skipif(not AVAILABLE, reason="plane memory is passed by descriptor on Linux only")


@pytest.fixture
def viewer(free_port):
    with viewer_on(free_port) as viewer:
        yield viewer


@pytest.fixture
def make(request):
    def make(viewer, **options):
        sender = PlainSender(viewer, **options)
        request.addfinalizer(sender.close)
        return sender

    return make


@pytest.fixture
def sender(viewer, make):
    return make(viewer).join()


def refused(viewer, count):
    wait_until(lambda: viewer.status()["refused"] >= count, f"{count} are refused")
    return viewer.status()["refused"]


class TestGreeting:
    def test_welcome_says_everything_a_sender_needs(self, viewer, make):
        welcome = make(viewer).greet()
        assert welcome.version == PROTOCOL_VERSION
        assert welcome.instance.hex() == viewer.endpoint.instance
        assert welcome.handover == viewer.endpoint.handover
        assert len(welcome.nonce) == 16
        assert welcome.window_bytes >= 128 << 20

    def test_hello_again_names_the_same_account(self, viewer, make):
        sender = make(viewer)
        assert sender.greet() == sender.greet()

    def test_wrong_token_is_refused_and_counted(self, viewer, make):
        stranger = make(viewer, token="guessed")  # noqa: S106 -- wrong on purpose
        wait_until(lambda: stranger.sockets.say(stranger.hello), "the control channel is connected")
        assert stranger.hear(Refused).reason == "wrong token"
        assert refused(viewer, 1) == 1
        assert viewer.status()["senders"] == []

    def test_name_of_another_length_is_refused(self, viewer, make):
        stranger = make(viewer, sender=b"short")
        wait_until(lambda: stranger.sockets.say(stranger.hello), "the control channel is connected")
        assert refused(viewer, 1) == 1

    def test_sender_that_never_said_hello_is_refused(self, viewer, make):
        stranger = make(viewer)
        wait_until(
            lambda: stranger.sockets.say(Beat(sender=stranger.sender, base=1)), "the channel is connected"
        )
        assert "say hello first" in stranger.hear(Refused).reason
        wait_until(lambda: stranger.sockets.poll(0.0) or stranger.sockets.subscribed, "the viewer subscribes")
        stranger.publish(item(1))
        assert refused(viewer, 2) == 2
        assert viewer.ledger() == Ledger()

    @by_descriptor
    def test_connection_that_does_not_know_the_nonce_is_closed(self, viewer, make):
        stranger = make(viewer)
        welcome = stranger.greet()
        stranger.sockets.attach(
            msgspec.structs.replace(welcome, nonce=bytes(16)), stranger.sender, stranger.counters
        )
        wait_until(lambda: stranger.sockets.poll(0.0) or stranger.sockets.gone, "the viewer hangs up")
        assert not stranger.sockets.attached
        assert refused(viewer, 1) == 1

    @by_descriptor
    def test_buffer_before_attaching_is_closed(self, viewer):
        fds = len(os.listdir("/proc/self/fd"))
        segment = MemfdSegment(page_rounded(1))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(viewer.endpoint.handover)
            socket.send_fds(stranger, [b"S" + bytes(16)], [segment.fd])
            assert refused(viewer, 1) == 1
        segment.close()
        wait_until(lambda: len(os.listdir("/proc/self/fd")) == fds, "no descriptor is left")


LIES = {
    "dtype": ({"dtype": "|O"}, "dtype"),
    "shape": ({"shape": (5, 6)}, "do not hold"),
    "frame": ({"frame": 3}, "frame 3 of 1"),
    "offset": ({"offset": 8}, "holds 48 bytes"),
    "codec": ({"codec": "zstd"}, "codec"),
    "display": ({"display": 9}, "display 9 of 1"),
    "a buffer that was never handed over": ({"frame": None, "buffer": 77}, "not handed over"),
    "nowhere": ({"frame": None}, "rest nowhere"),
}


class TestBadItems:
    """A bad plane fails alone: what is around it is shown, and the account goes on."""

    @pytest.mark.parametrize("name", LIES)
    def test_bad_item_fails_alone(self, name, viewer, sender):
        lie, words = LIES[name]
        sender.publish(item(1), item(2, **lie), item(3))
        sender.publish(item(4))
        sender.settled(4)
        assert viewer.ledger().counts() == Ledger(sent=4, shown=3, failed=1).counts()
        (failure,) = [failure for ack in sender.heard if isinstance(ack, Ack) for failure in ack.failures]
        assert failure[0] == 2
        assert viewer.ledger().failure_reasons == {failure[1]: 1}
        assert words in failure[1]

    @by_descriptor
    @pytest.mark.parametrize("sealed", [True, False], ids=["too small", "not sealed"])
    def test_buffer_that_could_end_the_viewer_is_refused(self, viewer, sender, sealed):
        if sealed:
            segment = MemfdSegment(page_rounded(1))
        else:
            segment = MemfdSegment(page_rounded(1))
            os.close(segment.fd)
            segment.fd = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
            os.ftruncate(segment.fd, 1 << 20)
        sender.sockets.hand_over(1, 1 << 20, segment)
        sender.publish(item(1, shape=(512, 1024), nbytes=1 << 20, frame=None, buffer=1), frames=())
        ack = sender.settled(1)
        assert ack.failures[0][0] == 1
        assert ack.freed == (1,)
        segment.close()
        sender.publish(item(2))
        sender.settled(2)
        assert viewer.ledger() == Ledger(sent=2, shown=1, failed=1, failure_reasons={ack.failures[0][1]: 1})


class TestDuplicates:
    def test_batch_that_comes_twice_is_counted_once(self, viewer, sender):
        for _ in range(3):
            sender.publish(item(1), item(2))
        sender.publish(item(3))
        assert sender.settled(3).streams[-1].shown <= 3
        wait_until(lambda: viewer.ledger() == Ledger(sent=3, shown=3), "three planes are shown")
        assert len(viewer.planes) == 3

    @by_descriptor
    def test_plane_that_comes_again_in_another_buffer_leaves_no_descriptor(self, viewer, sender):
        segment = MemfdSegment(page_rounded(48))
        segment.write(PIXELS)
        fds = len(os.listdir("/proc/self/fd"))
        for number in (1, 2):
            sender.sockets.hand_over(number, 48, segment)
            sender.publish(item(1, frame=None, buffer=number), frames=())
        sender.publish(item(2))
        sender.settled(2)
        assert np.array_equal(viewer.planes[0].array, PIXELS)
        assert len(os.listdir("/proc/self/fd")) == fds
        segment.close()

    def test_late_plane_that_was_given_up_is_not_shown(self, viewer, sender):
        sender.beat(base=5, sent=5, dropped=4, reasons={"no room": 3})
        sender.settled(4)
        sender.publish(item(3), item(5))
        sender.settled(5)
        reasons = {"no room": 3, "not said": 1}
        assert viewer.ledger() == Ledger(sent=5, shown=1, dropped=4, drop_reasons=reasons)


@by_descriptor
class TestBuffers:
    def hand(self, sender, *numbers):
        segment = MemfdSegment(page_rounded(48))
        segment.write(PIXELS)
        for number in numbers:
            sender.sockets.hand_over(number, 48, segment)
        return segment

    def test_burst_of_the_same_memory_group_is_adopted_and_freed_with_the_last_view(
        self, viewer, sender, monkeypatch
    ):
        monkeypatch.setattr("platecast.viewer._inbox._adoption._COPIED_BATCH_BYTES", 47)
        self.hand(sender, 1).close()
        sender.publish(item(1, frame=None, buffer=1), frames=())
        sender.hear(Ack, lambda ack: 1 in ack.taken)
        sender.settled(1)
        assert np.array_equal(viewer.planes[0].array, PIXELS)
        viewer.planes.clear()
        gc.collect()
        sender.hear(Ack, lambda ack: 1 in ack.freed)

    @pytest.mark.parametrize("case", ["another group", "same group, at leisure"])
    def test_copies_are_freed_at_once(self, viewer, make, monkeypatch, case):
        sender = (make(viewer, group="/another/pod") if case == "another group" else make(viewer)).join()
        if case == "another group":
            monkeypatch.setattr("platecast.viewer._inbox._adoption._COPIED_BATCH_BYTES", 47)
        segment = self.hand(sender, 1)
        sender.publish(item(1, frame=None, buffer=1), frames=())
        ack = sender.hear(Ack, lambda ack: 1 in ack.freed)
        assert ack.taken == ()
        sender.settled(1)
        segment.write(PIXELS[::-1].copy())
        assert np.array_equal(viewer.planes[0].array, PIXELS)
        segment.close()

    @pytest.mark.parametrize(("is_open", "answer"), [(False, "freed"), (True, "taken")])
    def test_what_waits_for_a_window_that_is_not_there_yet_is_copied(
        self, free_port, make, monkeypatch, is_open, answer
    ):
        monkeypatch.setattr("platecast.viewer._inbox._adoption._COPIED_BACKLOG", 2)
        with viewer_on(free_port, takes=False) as viewer:
            if is_open:
                viewer.receiver.beat()
            sender = make(viewer).join()
            for number in range(1, 5):
                self.hand(sender, number).close()
                sender.publish(item(number, frame=None, buffer=number), frames=())
            sender.beat(sent=4)
            sender.hear(Ack, lambda ack: 4 in getattr(ack, answer))

    def test_several_planes_of_one_frame(self, viewer, sender):
        sender.publish(item(1, shape=(1, 6), nbytes=12), item(2, shape=(3, 6), nbytes=36, offset=12))
        sender.settled(2)
        first, rest = viewer.planes
        assert np.array_equal(first.array, PIXELS[:1])
        assert np.array_equal(rest.array, PIXELS[1:])

    def test_buffer_that_no_batch_names_is_closed_when_a_later_one_is_named(self, viewer, sender):
        fds = len(os.listdir("/proc/self/fd"))
        self.hand(sender, 1, 2, 3).close()
        sender.publish(item(1, frame=None, buffer=3), frames=())
        sender.settled(1)
        assert len(os.listdir("/proc/self/fd")) == fds

    def test_sender_that_ends_leaves_no_descriptor(self, viewer, make):
        fds = len(os.listdir("/proc/self/fd"))
        sender = PlainSender(viewer).join()
        self.hand(sender, 1, 2).close()
        sender.close()
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        wait_until(lambda: len(os.listdir("/proc/self/fd")) == fds, "no descriptor is left")


class TestEnd:
    def test_goodbye_with_everything_delivered(self, viewer, sender):
        sender.publish(item(1), item(2))
        sender.settled(2)
        sender.beat(base=3, sent=2, last=True)
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        assert viewer.ledger() == Ledger(sent=2, shown=2)

    def test_goodbye_overtakes_nothing(self, viewer, sender):
        sender.beat(base=1, sent=2, last=True)
        sender.publish(item(1), item(2))
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        assert viewer.ledger() == Ledger(sent=2, shown=2)

    def test_goodbye_with_planes_that_never_come(self, viewer, sender):
        sender.publish(item(1))
        sender.beat(base=1, sent=5, dropped=1, gaps=((5, 5),), last=True)
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        reasons = {"sender ended": 3, "not said": 1}
        assert viewer.ledger() == Ledger(sent=5, shown=1, dropped=4, drop_reasons=reasons)

    @by_descriptor
    def test_process_that_dies_is_counted_by_its_page(self, viewer, make):
        sender = PlainSender(viewer).join()
        sender.publish(item(1), item(2))
        sender.beat(base=1, sent=2)
        sender.settled(2)
        sender.counters.write(12, 3, 0)
        sender.close()
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        assert viewer.ledger() == Ledger(sent=12, shown=2, dropped=10, drop_reasons={"sender ended": 10})

    def test_plane_of_a_sender_that_left_can_still_be_superseded(self, viewer, sender):
        sender.publish(item(1))
        sender.settled(1)
        sender.beat(base=2, sent=1, last=True)
        wait_until(lambda: not viewer.status()["senders"], "the sender has left")
        viewer.receiver.supersede(viewer.planes[0].ticket)
        wait_until(lambda: viewer.ledger() == Ledger(sent=1, superseded=1), "it is superseded")

    def test_account_stays_open_while_the_window_has_planes(self, free_port, make):
        with viewer_on(free_port, takes=False) as viewer:
            sender = make(viewer).join()
            sender.publish(item(1))
            sender.beat(base=1, sent=1, last=True)
            wait_until(lambda: viewer.status()["queued"] == 1, "the plane waits")
            assert viewer.ledger() == Ledger(sent=1, pending=1)
            viewer.show(viewer.take_all())
            wait_until(lambda: not viewer.status()["senders"], "the sender has left")
            assert viewer.ledger() == Ledger(sent=1, shown=1)


GARBAGE = {
    "no JSON": [b"\xff\x00"],
    "invalid text": [b'{"type": "\xff"}'],
    "a list": [b"[1]"],
    "a number": [b"7"],
    "nothing": [b""],
    "too many frames": [b"{}", b"{}"],
    "deep nesting": [b'{"a":' * 50_000],
    "a lone surrogate": [b'{"type": "status", "token": "\\ud800"}'],
    "token of another type": [b'{"type": "status", "token": [1]}'],
}


class TestRequests:
    def test_ping_needs_no_token_and_tells_no_secret(self, viewer):
        answer, blobs = ask(viewer.port, "ping")
        assert (answer["type"], answer["port"], answer["pid"], blobs) == (
            "pong",
            viewer.port,
            os.getpid(),
            [],
        )
        assert TOKEN not in str(answer)

    @pytest.mark.parametrize("request_name", ["status", "quit", "screenshot", ""])
    def test_everything_else_needs_the_token(self, viewer, request_name):
        with pytest.raises(ViewerCommandError, match="wrong token"):
            ask(viewer.port, request_name)
        assert refused(viewer, 1) == 1
        assert viewer.commands == []

    def test_state_is_the_windows_own(self, viewer):
        assert viewer.status()["state"] == "starting"
        viewer.receiver.beat()
        assert viewer.status()["state"] == "ready"
        viewer.receiver._vitals._beat_at -= 5
        assert viewer.status()["state"] == "busy"

    def test_other_commands_are_the_windows(self, viewer):
        answer, _ = ask(viewer.port, "goto", token=TOKEN, well="A02")
        assert answer == {"done": "goto"}
        (command,) = viewer.commands
        assert (command.name, command.args) == ("goto", {"well": "A02"})

    @pytest.mark.parametrize("name", GARBAGE)
    def test_garbage_on_the_control_port_is_counted_and_survived(self, name, viewer, caplog):
        with zmq.Context() as context, context.socket(zmq.REQ) as client:
            client.linger = 0
            client.connect(viewer.endpoint.control_address)
            client.send_multipart(GARBAGE[name])
            assert refused(viewer, 1) >= 1
        assert not [record for record in caplog.records if record.exc_info]

    def test_garbage_on_the_data_port_is_counted_and_survived(self, viewer, sender):
        for frames in ([], [b""], [b"\xc1"], [encode(Ack(received=1, upto=1))], [b"x" * (5 << 20)]):
            sender.sockets.data.send_multipart([bytes.fromhex(viewer.endpoint.instance), *frames])
        assert refused(viewer, 5) == 5
        sender.publish(item(1))
        sender.settled(1)

    def test_what_is_sent_to_another_instance_is_never_seen(self, viewer, sender):
        sender.sockets.data.send_multipart([new_instance(), b"\xc1"])
        sender.publish(item(1))
        sender.settled(1)
        assert viewer.status()["refused"] == 0


class ScriptedSockets:
    """Sockets that report what the test says; each answer lets the window turn, as another thread may."""

    handover = ""
    memory = MemoryKind.INLINE

    def __init__(self, rounds):
        self.rounds = rounds
        self.on_answer = lambda: None
        self.progress = SimpleNamespace(token="", observers=0, address="")

    def poll(self, timeout_s):
        return self.rounds.pop(0)

    def answer(self, client, body, blobs=()):
        self.on_answer()

    def say(self, route, message): ...

    def wake(self): ...


def test_window_that_empties_the_queue_meanwhile_is_woken_for_what_follows(viewer):
    """It would sleep with a plane before it if the receiver compared lengths."""
    name = new_instance()
    batches = [
        Batch(version=PROTOCOL_VERSION, sender=name, items=(item(n),), displays=(Display(),)) for n in (1, 2)
    ]
    one, two = (Data(decode_batch(encode(batch)), (zmq.Frame(PIXELS.tobytes()),)) for batch in batches)
    hello = Hello(version=PROTOCOL_VERSION, sender=name, token=TOKEN, pid=1, memory_group="")
    sockets = ScriptedSockets([[one], [Request(b"c", {"type": "ping"}), two]])
    receiver = Receiver(sockets, viewer.endpoint)
    receiver._roster.greet(b"route", hello)
    woken = []
    receiver.on_work = lambda: woken.append(True)
    receiver._turn(0)
    sockets.on_answer = receiver.take
    receiver._turn(0)
    assert len(woken) == 2


def test_failure_on_one_message_costs_no_other(viewer, caplog):
    broken = Data(None, ())
    answered = []
    sockets = ScriptedSockets([[broken, Request(b"c", {"type": "ping"})]])
    sockets.on_answer = lambda: answered.append(True)
    Receiver(sockets, viewer.endpoint)._turn(0)
    assert answered == [True]
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR]


class TestOwner:
    @pytest.fixture
    def owner(self):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        yield process
        process.kill()
        process.wait()
        process.stdin.close()

    def test_viewer_is_asked_to_quit_when_its_owner_is_killed(self, free_port, owner):
        with viewer_on(free_port, owner_pid=owner.pid) as viewer:
            assert viewer.status()["state"] == "starting"
            assert viewer.commands == []
            owner.send_signal(signal.SIGKILL)
            wait_until(lambda: viewer.commands, "the viewer is asked to quit")
            assert [command.name for command in viewer.commands] == ["quit"]

    def test_owner_that_ended_before_the_viewer_looked(self, free_port, owner):
        owner.kill()
        owner.wait()
        with viewer_on(free_port, owner_pid=owner.pid) as viewer:
            wait_until(lambda: viewer.commands, "the viewer is asked to quit")


def test_plane_that_outlives_the_receiver_is_released_in_peace(free_port, make):
    with viewer_on(free_port) as viewer:
        sender = make(viewer).join()
        if AVAILABLE:
            segment = MemfdSegment(page_rounded(48))
            segment.write(PIXELS)
            sender.sockets.hand_over(1, 48, segment)
            segment.close()
            sender.publish(item(1, frame=None, buffer=1), frames=())
        else:
            sender.publish(item(1))
        sender.settled(1)
    assert np.array_equal(viewer.planes[0].array, PIXELS)
    viewer.receiver.settle(viewer.planes[0].ticket)
    viewer.planes.clear()
    gc.collect()


def test_receiver_rests_when_a_sender_has_gone(viewer):
    """A descriptor that is closed and stays in the poller would be a busy loop."""
    sender = PlainSender(viewer).join()
    sender.publish(item(1))
    sender.settled(1)
    sender.close()
    wait_until(lambda: not viewer.status()["senders"], "the sender has left")
    turns, turn = [], viewer.receiver._turn

    def counted(timeout_s):
        turns.append(timeout_s)
        turn(timeout_s)

    viewer.receiver._turn = counted
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 0.6, "some turns have passed")
    assert 1 <= len(turns) < 20


def test_sender_that_reads_no_acknowledgement_holds_up_nobody(viewer, sender, make):
    """A blocking send of one would freeze the viewer with the sender."""
    for seq in range(1, 3001):
        wait_until(lambda: sender.sockets.say(Beat(sender=sender.sender, base=1)), "the beat leaves")
        if seq % 1000 == 0:
            begin = time.monotonic()
            assert ask(viewer.port, "ping")[0]["type"] == "pong"
            assert time.monotonic() - begin < 2
    other = make(viewer).join()
    other.publish(item(1))
    other.settled(1)
    assert viewer.ledger().shown == 1
