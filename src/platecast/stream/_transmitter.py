"""From what waits to batches: hands buffers over, makes the headers, sends again what was not received."""

import logging

from platecast.components import PlateLayout
from platecast.stream._contrast import ContrastSampler
from platecast.stream._outbox import Outbox
from platecast.stream._session import Session
from platecast.stream._staged import Staged
from platecast.stream._staging import Staging
from platecast.wire import MAX_BATCH_ITEMS, PROTOCOL_VERSION, Batch, DroppedPlane, Item, Segment, Spilled

_log = logging.getLogger(__name__)

_RETRANSMIT_AFTER_S = 1.0
_PAUSE_S = 0.02
"""How long planes are collected after a batch: each batch wakes four threads in two processes."""
_INLINE_WINDOW_BYTES = 64 << 20
"""Most bytes under way inside messages: they lie in the queues of the sockets, not in plane memory."""
_INLINE_BATCH_ITEMS = 8


class Transmitter:
    """Sends the planes of one link; in the link's thread.

    Parameters
    ----------
    port
        The viewer's data port.
    sender
        The 16 bytes that name this sender.
    outbox
        The planes and their account.
    staging
        Where their pixels lie.
    """

    def __init__(self, port: int, sender: bytes, outbox: Outbox, staging: Staging) -> None:
        self.layouts: list[PlateLayout] = []
        """What plates hold, in the order in which it is announced to each viewer."""
        self._port = port
        self._sender = sender
        self._outbox = outbox
        self._staging = staging
        self._sampler = ContrastSampler()
        self._buffers = 0

    def transmit(self, session: Session, now: float) -> None:
        """Send the next planes that wait, in one batch, as far as the viewer's window allows."""
        welcome = session.welcome
        if welcome is None:
            return
        window = min(welcome.window_bytes, _INLINE_WINDOW_BYTES) if session.inline else welcome.window_bytes
        staged = self._outbox.take(window, _INLINE_BATCH_ITEMS if session.inline else MAX_BATCH_ITEMS)
        layouts = tuple(self.layouts[session.layouts_sent :])
        session.full = not staged and self._outbox.waiting > 0
        if not staged and not layouts and not self._outbox.has_lost:
            return
        sent = self._send(session, staged, layouts)
        if len(sent) < len(staged):
            session.full = True
            self._outbox.put_back(staged[len(sent) :])
        if sent or layouts:
            session.pause_until = now + _PAUSE_S
            session.received_at = max(session.received_at, now - _RETRANSMIT_AFTER_S / 2)

    def _send(self, session: Session, staged: list[Staged], layouts: tuple[PlateLayout, ...]) -> list[Staged]:
        """Send planes in one batch; return those that went."""
        displays: dict[object, int] = {}
        items: list[Item] = []
        frames: list[bytes] = []
        for each in staged:
            if not self._place(session, each, frames):
                break
            each.contrast = self._sampler.contrast(each) if each.contrast is None else each.contrast
            items.append(
                Item(
                    seq=each.seq,
                    stream=each.stream,
                    plane=each.plane,
                    shape=each.shape,
                    dtype=each.dtype,
                    nbytes=each.nbytes,
                    display=displays.setdefault(each.display, len(displays)),
                    buffer=each.numbers[-1] if each.numbers else None,
                    frame=None if each.numbers or each.pixels is None else len(frames) - 1,
                    contrast=each.contrast,
                    address=each.address,
                    failure=each.failure,
                )
            )
        lost, unnamed = self._outbox.take_lost(MAX_BATCH_ITEMS)
        if not items and not layouts and not lost and not unnamed:
            return []
        dropped = tuple(
            DroppedPlane(
                plane=each.plane,
                reason=each.reason,
                display=displays.setdefault(each.display, len(displays)),
            )
            for each in lost
        )
        batch = Batch(
            version=PROTOCOL_VERSION,
            sender=self._sender,
            items=tuple(items),
            displays=tuple(displays),  # type: ignore[arg-type]  # the keys are displays
            layouts=layouts,
            dropped=dropped,
            dropped_unnamed=unnamed,
        )
        if not session.sockets.publish(batch, frames):
            self._outbox.put_lost_back(lost, unnamed)
            return []
        session.layouts_sent += len(layouts)
        return staged[: len(items)]

    def _place(self, session: Session, staged: Staged, frames: list[bytes]) -> bool:
        """Hand a plane's buffer over, or put its bytes into a frame; False when the viewer does not read."""
        if staged.pixels is None:
            return True
        if isinstance(staged.pixels, Spilled):
            staged.pixels = self._staging.from_disk(staged.pixels)
        if isinstance(staged.pixels, Segment) and not session.inline:
            self._buffers += 1
            self._outbox.travels_as(staged, self._buffers)
            return session.sockets.hand_over(self._buffers, staged.nbytes, staged.pixels)
        frames.append(
            staged.pixels.read(staged.nbytes) if isinstance(staged.pixels, Segment) else staged.pixels
        )
        return True

    def retransmit(self, session: Session, now: float) -> None:
        """Send again what an answering viewer has not received for a second."""
        stalled = min(now - session.received_at, session.acked_at - session.received_at)
        if stalled < _RETRANSMIT_AFTER_S:
            return
        overdue = self._outbox.overdue(session.received)[:MAX_BATCH_ITEMS]
        session.received_at = now
        if overdue:
            _log.info("sending %d planes to port %d again", len(overdue), self._port)
            self._send(session, overdue, ())
