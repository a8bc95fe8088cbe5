"""A sender that is written out message by message."""

import os

import numpy as np

from platecast.components import Components, PlaneId
from platecast.config import Display
from platecast.wire import (
    AVAILABLE,
    PROTOCOL_VERSION,
    Ack,
    Batch,
    Beat,
    Hello,
    Item,
    PlaneMemory,
    SenderSockets,
    StreamCounts,
    Waker,
    Welcome,
    memory_group,
    memory_kind,
    new_instance,
)
from tests.receiving import TOKEN
from tests.waiting import wait_until

PLANE = PlaneId(components=Components(well="A01"))
PIXELS = np.arange(24, dtype=np.uint16).reshape(4, 6)
FRAMES = (PIXELS.tobytes(),)
INLINE = {"shape": (4, 6), "dtype": "<u2", "nbytes": 48, "frame": 0}


class PlainSender:
    """A sender that does what the test says and nothing by itself."""

    def __init__(self, viewer, *, token=TOKEN, group=None, sender=None):
        self.sender = sender or new_instance()
        self.memory = PlaneMemory(memory_kind())
        self.counters = self.memory.counters()
        self.waker = Waker()
        self.sockets = SenderSockets(viewer.endpoint, self.waker)
        self.heard = []
        self.hello = Hello(
            version=PROTOCOL_VERSION,
            sender=self.sender,
            token=token,
            pid=os.getpid(),
            memory_group=memory_group() if group is None else group,
        )

    def close(self):
        self.sockets.close()
        self.counters.close()
        self.memory.close()
        self.waker.close()

    def hear(self, type_, condition=lambda message: True):
        """Wait for a message of a type."""

        def found():
            self.heard += self.sockets.poll(0.0)
            return [message for message in self.heard if isinstance(message, type_) and condition(message)]

        return wait_until(found, f"the viewer says {type_.__name__}")[-1]

    def greet(self):
        wait_until(lambda: self.sockets.say(self.hello), "the control channel is connected")
        return self.hear(Welcome)

    def join(self):
        """Say hello, prove the same machine where there is a unix socket, wait for the subscription."""
        welcome = self.greet()
        if AVAILABLE:
            assert self.sockets.attach(welcome, self.sender, self.counters)
        ready = lambda: self.sockets.subscribed and (self.sockets.attached or not AVAILABLE)  # noqa: E731
        wait_until(lambda: self.heard.extend(self.sockets.poll(0.0)) or ready(), "the viewer is ready")
        return self

    def beat(self, base=1, sent=0, dropped=0, elsewhere=0, gaps=(), reasons=None, last=False):
        streams = (StreamCounts(1, sent, dropped, elsewhere, 0, reasons or {}),)
        beat = Beat(sender=self.sender, base=base, gaps=gaps, streams=streams, last=last)
        assert self.sockets.say(beat)

    def publish(self, *items, frames=FRAMES):
        batch = Batch(version=PROTOCOL_VERSION, sender=self.sender, items=items, displays=(Display(),))
        assert self.sockets.publish(batch, frames)

    def settled(self, upto):
        return self.hear(Ack, lambda ack: ack.upto >= upto)


def item(seq, **changes):
    return Item(seq=seq, stream=1, plane=PLANE, **{**INLINE, **changes})
