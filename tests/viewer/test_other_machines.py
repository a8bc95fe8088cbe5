"""What a sender with a key of its own may do, and may not: a key lets its holder send, in its own name."""

import sys

import msgspec
import pytest
import zmq

from platecast.wire import AttachBlocks, Batch, Refused, SenderSockets, Welcome, _door, pair_for
from tests.plain_sender import FRAMES, PlainSender, item
from tests.receiving import TOKEN, viewer_on
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a second loopback address is Linux's")
ADDRESS = "127.0.0.2"


class FarSender(PlainSender):
    """One that comes in at the door."""

    def __init__(self, viewer, name, *, sender=None):
        super().__init__(viewer, token="", sender=sender)
        self.sockets.close()
        self.pairing = pair_for(name, ADDRESS, viewer.port)
        self.sockets = SenderSockets(self.pairing, self.waker)
        self.hello = msgspec.structs.replace(self.hello, host=name)

    def join(self):
        self.sockets.follow(self.greet().instance)
        wait_until(
            lambda: self.heard.extend(self.sockets.poll(0.0)) or self.sockets.subscribed, "it is ready"
        )
        return self

    def hears_nothing_but(self, *types):
        """Ask for something harmless, whose answer comes after all others."""
        context = zmq.Context()
        with context.socket(zmq.REQ) as request:
            request.linger = 0
            _protect(request, self.pairing)
            request.connect(self.pairing.control_address)
            request.send(b'{"type": "ping"}')
            assert b"pong" in request.recv()
        context.term()
        self.heard += self.sockets.poll(0.0)
        return all(isinstance(message, types) for message in self.heard)


def _protect(socket, pairing):
    socket.curve_serverkey = pairing.viewer_key.encode()
    socket.curve_secretkey = pairing.secret_key.encode()
    socket.curve_publickey = pairing.public_key.encode()


@pytest.fixture
def viewer(monkeypatch, tmp_path, free_port):
    monkeypatch.setenv("PLATECAST_KEYS_DIR", str(tmp_path / "keys"))
    # Loopback has many addresses; a door refuses them otherwise.
    monkeypatch.setattr(_door, "listen_address", lambda listen: listen)
    with viewer_on(free_port, listen=ADDRESS) as viewer:
        yield viewer


@pytest.fixture
def far(viewer):
    """Make senders with keys of their own."""
    senders = []

    def far(name, *, sender=None):
        senders.append(FarSender(viewer, name, sender=sender))
        return senders[-1]

    yield far
    for sender in senders:
        sender.close()


@pytest.fixture
def near(viewer):
    sender = PlainSender(viewer)
    yield sender
    sender.close()


def test_sender_of_another_machine_sends_in_its_own_name(viewer, far):
    sender = far("cluster").join()
    sender.publish(item(1))
    sender.settled(1)
    assert viewer.status()["senders"][0]["host"] == "cluster"


def test_nobody_sends_in_the_name_of_another_key(viewer, far):
    owner = far("owner").join()
    owner.publish(item(1))
    owner.settled(1)
    thief = far("thief", sender=owner.sender)
    wait_until(lambda: thief.sockets.say(thief.hello), "it is let in")
    assert thief.hears_nothing_but()
    thief.beat(base=100, sent=99)
    assert "unknown" in thief.hear(Refused).reason
    # It has read the topic somewhere.
    thief.sockets.follow(bytes.fromhex(viewer.endpoint.instance))
    wait_until(lambda: thief.sockets.poll(0.0) or thief.sockets.subscribed, "it could send")
    before = viewer.status()["refused"]
    thief.publish(item(2))
    wait_until(lambda: viewer.status()["refused"] > before, "its batch is refused")
    assert (viewer.ledger().sent, viewer.ledger().shown) == (1, 1)
    owner.publish(item(2))
    owner.settled(2)


@pytest.mark.parametrize("first_is_near", [True, False])
def test_name_of_this_machine_is_not_one_of_another(viewer, far, near, first_is_near):
    sender = far("cluster", sender=near.sender)
    first, second = (near, sender) if first_is_near else (sender, near)
    first.greet()
    before = viewer.status()["refused"]
    wait_until(lambda: second.sockets.say(second.hello), "it is connected")
    wait_until(lambda: viewer.status()["refused"] > before, "it is refused")
    assert not [message for message in second.sockets.poll(0.0) if isinstance(message, Welcome)]


def test_no_path_no_buffer_and_no_memory_of_this_machine_is_taken(viewer, far, tmp_path):
    sender = far("cluster").join()
    secret = tmp_path / "secret.tif"
    before = viewer.status()["refused"]
    sender.publish(item(1, frame=None, address=f"disk:{secret}"), item(2, frame=None, buffer=1), frames=())
    sender.settled(2)
    assert viewer.ledger().failed == 2
    block = AttachBlocks(sender=sender.sender, nonce=bytes(16), name="psm_secret", size=4096)
    assert sender.sockets.say(block)
    wait_until(lambda: viewer.status()["refused"] == before + 3, "its memory is refused")
    # What came with pixels keeps none of the path.
    sender.publish(item(3, address=f"disk:{secret}"), frames=FRAMES)
    sender.settled(3)
    assert viewer.planes[-1].array.tobytes() == FRAMES[0]


@pytest.mark.parametrize("request_name", ["read", "layers", "quit", "screenshot", "export", "clear"])
def test_other_machines_ask_for_the_status_only(viewer, far, request_name):
    sender = far("cluster")
    context = zmq.Context()
    with context.socket(zmq.REQ) as request:
        request.linger = 0
        _protect(request, sender.pairing)
        request.connect(sender.pairing.control_address)
        # Not even with the token of the viewer's user.
        request.send_json({"type": request_name, "token": TOKEN})
        assert "error" in request.recv_json()
        request.send_json({"type": "status"})
        assert request.recv_json()["type"] == "status"
    context.term()
    assert viewer.commands == []


def test_batch_without_a_greeting_is_refused(viewer, far):
    sender = far("cluster")
    sender.sockets.follow(bytes.fromhex(viewer.endpoint.instance))
    wait_until(lambda: sender.sockets.poll(0.0) or sender.sockets.subscribed, "it is connected")
    before = viewer.status()["refused"]
    batch = Batch(version=2, sender=sender.sender, items=(), displays=())
    assert sender.sockets.publish(batch, ())
    wait_until(lambda: viewer.status()["refused"] > before, "it is refused")
