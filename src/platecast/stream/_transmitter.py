"""From what waits to batches: hands buffers over, makes the headers, sends again what was not received."""

import logging
import time

import numpy as np
from msgspec.structs import replace

from platecast.components import PlateLayout
from platecast.storage import load_resting
from platecast.stream._contrast import ContrastSampler
from platecast.stream._outbox import CALM_ITEMS, Outbox
from platecast.stream._session import Session
from platecast.stream._squeeze import Squeeze
from platecast.stream._staged import Staged
from platecast.stream._staging import Staging
from platecast.wire import (
    BLOSC2,
    MAX_BATCH_ITEMS,
    MAX_REASON_LENGTH,
    PROTOCOL_VERSION,
    Batch,
    DroppedPlane,
    Item,
    Segment,
    Spilled,
)

_log = logging.getLogger(__name__)

_RETRANSMIT_AFTER_S = 1.0
_PAUSE_S = 0.02
"""How long planes are collected after a batch: each batch wakes four threads in two processes."""
_CALM_PAUSE_S = 0.1
"""The same where few planes come: of a pipeline with 100 a second ten share what one wake-up costs."""
_LEAST_RETRY_S = 0.005
_MOST_RETRY_S = 0.1
"""How long a full socket is left alone: a stopped viewer is not asked two hundred times a second."""
_INLINE_WINDOW_BYTES = 64 << 20
"""Most bytes under way inside messages: they lie in the queues of the sockets, not in plane memory."""
_INLINE_BATCH_ITEMS = 8
_FAR_BATCH_ITEMS = 16


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
        self._squeeze = Squeeze()
        self._buffers = 0

    def transmit(self, session: Session, now: float) -> None:
        """Send the next planes that wait, in one batch, as far as the viewer's window allows."""
        welcome = session.welcome
        if welcome is None:
            return
        window = min(welcome.window_bytes, _INLINE_WINDOW_BYTES) if session.inline else welcome.window_bytes
        if session.flow is not None:
            flow = session.flow
            staged = self._outbox.take(window, _FAR_BATCH_ITEMS, flow.batch_bytes) if flow.is_open else []
        else:
            staged = self._outbox.take(window, _INLINE_BATCH_ITEMS if session.inline else MAX_BATCH_ITEMS)
        layouts = tuple(self.layouts[session.layouts_sent :])
        session.full = not staged and self._outbox.waiting > 0
        if session.full:
            # What opens the window is the viewer's word, which ends the wait.
            session.retry_s = _MOST_RETRY_S
        if not staged and not layouts and not self._outbox.has_lost:
            return
        sent = self._send(session, staged, layouts)
        if len(sent) < len(staged):
            session.full = True
            session.retry_s = _LEAST_RETRY_S if sent else min(2 * session.retry_s, _MOST_RETRY_S)
            self._outbox.put_back(staged[len(sent) :])
        if sent or layouts:
            session.is_calm = len(sent) <= CALM_ITEMS
            pause_s = _CALM_PAUSE_S if session.is_calm else _PAUSE_S
            session.pause_until = now + (pause_s if session.flow is None else 0.0)
            session.received_at = max(session.received_at, now - _RETRANSMIT_AFTER_S / 2)

    def _send(self, session: Session, staged: list[Staged], layouts: tuple[PlateLayout, ...]) -> list[Staged]:
        """Send planes in one batch; return those that went."""
        displays: dict[object, int] = {}
        items: list[Item] = []
        frames: list[bytes] = []
        for each in staged:
            each.contrast = self._sampler.contrast(each) if each.contrast is None else each.contrast
            display = displays.setdefault(each.display, len(displays))
            if session.flow is not None:
                items.append(self._far_item(session, each, display, frames))
                continue
            if not self._place(session, each, frames):
                break
            buffer = each.numbers[-1] if each.numbers else None
            frame = None if each.numbers or each.pixels is None else len(frames) - 1
            items.append(_header(each, display, buffer, frame, each.address))
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
        if session.flow is not None:
            now = time.monotonic()
            for item in items:
                session.flow.sent(item.seq, 0 if item.frame is None else len(frames[item.frame]), now)
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

    def _far_item(self, session: Session, staged: Staged, display: int, frames: list[bytes]) -> Item:
        """Put a plane's bytes into a frame, smaller where that pays; no address of ours goes along."""
        header = _header(staged, display)
        if staged.failure is not None:
            return header
        try:
            data = self._bytes(staged)
        except (OSError, LookupError, ValueError) as error:
            reason = f"{staged.address}: {error}"[:MAX_REASON_LENGTH]
            return replace(header, shape=(), dtype="", nbytes=0, contrast=None, failure=reason)
        itemsize = int(staged.dtype[2:])
        packed = None
        if session.welcome is not None and BLOSC2 in session.welcome.codecs:
            rate = None if session.flow is None else session.flow.rate_bps
            packed = self._squeeze.pack(data, staged.plane.kind, itemsize, rate)
        frames.append(data if packed is None else packed)
        return replace(header, frame=len(frames) - 1, codec="none" if packed is None else BLOSC2)

    def _bytes(self, staged: Staged) -> bytes:
        """Return a plane's bytes from wherever they are: memory, disk, or the store in which it rests."""
        if isinstance(staged.pixels, bytes):
            return staged.pixels
        if staged.pixels is not None:
            return staged.pixels.read(staged.nbytes)
        plane = load_resting(staged.address or "")
        if plane.shape != staged.shape:
            raise ValueError(f"it has shape {plane.shape}, not {staged.shape}")
        return np.ascontiguousarray(plane, staged.dtype).tobytes()

    def retransmit(self, session: Session, now: float) -> None:
        """Send again what an answering viewer has not received for longer than that should take."""
        stalled = min(now - session.received_at, session.acked_at - session.received_at)
        if stalled < (_RETRANSMIT_AFTER_S if session.flow is None else session.flow.patience_s):
            return
        most = MAX_BATCH_ITEMS if session.flow is None else _FAR_BATCH_ITEMS
        overdue = self._outbox.overdue(session.received)[:most]
        session.received_at = now
        if overdue:
            _log.info("sending %d planes to port %d again", len(overdue), self._port)
            self._send(session, overdue, ())


def _header(
    staged: Staged,
    display: int,
    buffer: int | None = None,
    frame: int | None = None,
    address: str | None = None,
) -> Item:
    return Item(
        seq=staged.seq,
        stream=staged.stream,
        plane=staged.plane,
        shape=staged.shape,
        dtype=staged.dtype,
        nbytes=staged.nbytes,
        display=display,
        buffer=buffer,
        frame=frame,
        address=address,
        contrast=staged.contrast,
        failure=staged.failure,
    )
