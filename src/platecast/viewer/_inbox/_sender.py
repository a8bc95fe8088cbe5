"""What a viewer knows of one sender besides its account. For the receiver's thread."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from platecast.viewer._inbox._account import SenderAccount
from platecast.wire import Batch, CountersView, Data, MemoryKind, PassedBuffer, process_start_time

LAST_MESSAGES_S = 1.0
"""How long messages of a sender that has ended may still come out of the sockets."""
_SILENCE_S = 30.0
"""A sender that has not beaten for this long has ended, where neither socket nor process would tell."""
_FAR_SILENCE_S = 300.0
"""The same of a sender on another machine, where a cable may be out and come back."""
_MISSED_S = 3.0
"""A sender says something twice a second; this long without is worth a word."""
_LOOK_INTERVAL_S = 0.25
_MOST_PARKED = 64


@dataclass(slots=True, eq=False)
class Sender:
    """What the viewer knows of one sender besides its account."""

    account: SenderAccount
    route: bytes
    nonce: bytes
    pid: int
    window_bytes: int
    """Most bytes that may be under way from it."""
    same_group: bool
    """Whether its memory is charged to the viewer's own cgroup."""
    origin: str = ""
    """The name of the key with which it came from another machine."""
    host: str = ""
    """Its machine, where that is another one, also behind a tunnel."""
    connection: int | None = None
    counters: CountersView | None = None
    names_blocks: bool = False
    """Whether it passes memory by name, over the control channel."""
    started: float | None = None
    """When its process started, where the viewer can see that process."""
    buffers: dict[int, PassedBuffer] = field(default_factory=dict)
    """Buffers that were passed and that no batch has named yet, by number."""
    newest_buffer: int = 0
    """The highest number that was passed by name."""
    parked: deque[tuple[float, Data]] = field(default_factory=deque)
    """Batches that overtook the names of their buffers, which come through another socket, and since when."""
    heard_at: float = field(default_factory=time.monotonic)
    seen_at: float = 0.0
    """When its process was last looked for."""
    ended_at: float | None = None

    def close_unnamed(self, batch: Batch) -> None:
        """Close buffers that were handed over for a batch that was never published: numbers only grow."""
        newest = _newest_buffer(batch)
        for number in [number for number in self.buffers if number < newest]:
            self.buffers.pop(number).close()

    def park(self, data: Data) -> bool:
        """Keep a batch that names a buffer whose name is still on its way, or comes after such a batch."""
        if not self.names_blocks:
            return False
        if not self.parked and _newest_buffer(data.batch) <= self.newest_buffer:
            return False
        self.parked.append((time.monotonic(), data))
        return True

    def unpark(self) -> Iterator[Data]:
        """Take out, in order, the batches whose names have come, or will not come any more."""
        while self.parked:
            since, data = self.parked[0]
            is_ahead = _newest_buffer(data.batch) > self.newest_buffer
            is_late = time.monotonic() - since > LAST_MESSAGES_S or len(self.parked) > _MOST_PARKED
            if is_ahead and not is_late:
                return
            self.parked.popleft()
            yield data

    @property
    def silent_s(self) -> float:
        """How long it was not heard."""
        return time.monotonic() - self.heard_at

    @property
    def is_missed(self) -> bool:
        """Whether it is on another machine, and was not heard for longer than a network takes."""
        return bool(self.host) and self.ended_at is None and self.silent_s > _MISSED_S

    @property
    def words(self) -> str:
        """How long it was not heard, and who it is."""
        return f"not heard for {self.silent_s:.0f} s: process {self.pid} on {self.host}"

    @property
    def memory(self) -> MemoryKind:
        """How its pixels come."""
        if self.connection is not None:
            return MemoryKind.MEMFD
        return MemoryKind.NAMED if self.names_blocks else MemoryKind.INLINE

    def end(self) -> None:
        """Note that it has ended, or says so."""
        if self.ended_at is None:
            self.ended_at = time.monotonic()

    def is_gone(self) -> bool:
        """Tell whether it has ended without a connection that tells of it."""
        now = time.monotonic()
        if self.started is None:
            return now - self.heard_at > (_FAR_SILENCE_S if self.host else _SILENCE_S)
        if now - self.seen_at < _LOOK_INTERVAL_S:
            return False
        self.seen_at = now
        return process_start_time(self.pid) != self.started


def _newest_buffer(batch: Batch) -> int:
    return max((item.buffer for item in batch.items if item.buffer is not None), default=0)
