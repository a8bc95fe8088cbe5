"""How much may be under way on a link to another machine. Pure: no sockets, no clock.

Whoever sends faster than a link carries only fills queues: 32 MB in front of 100 Mbit/s are 3 s in which the
plane that somebody waits for does not come. So the rate at which planes arrive is measured, and no plane is
sent while more than `QUEUE_S` of that rate is in front of it.
"""

from collections import deque
from dataclasses import dataclass

QUEUE_S = 0.3
"""Longest wait of a plane behind others on the link."""
_FIRST_WINDOW_BYTES = 1 << 20
"""Under way before anything is known of the link; one plane always is, whatever its size."""
_BATCH_S = 0.05
_MOST_BATCH_BYTES = 2 << 20
_MEMORY_S = 10.0
"""How long a measured rate counts: a link that has become slower is noticed after that."""
_LEAST_PATIENCE_S = 1.0
_BLIND_PATIENCE_S = 30.0
"""How long planes may be without news before they are sent again, where no rate is known."""


@dataclass(slots=True)
class _Flight:
    nbytes: int
    sent_at: float
    delivered_before: int


class Flow:
    """The planes under way to one viewer on another machine, in bytes as they travel.

    Parameters
    ----------
    rate_bps
        Bytes per second that an earlier connection carried, if there was one.
    """

    def __init__(self, rate_bps: float | None = None) -> None:
        self.rtt_s = 0.0
        """Time of a message there and back, as the handshake measured it."""
        self.under_way_bytes = 0
        self._earlier_bps = rate_bps
        self._delivered = 0
        self._flights: dict[int, _Flight] = {}
        self._rates: deque[tuple[float, float]] = deque()
        """When, and bytes per second; falling, so that the first is the highest of late."""

    @property
    def rate_bps(self) -> float | None:
        """Bytes per second that the link carries, `None` where nothing has arrived yet."""
        return self._rates[0][1] if self._rates else self._earlier_bps

    @property
    def window_bytes(self) -> float:
        """How much may be in front of a plane that is sent."""
        if self.rate_bps is None:
            return _FIRST_WINDOW_BYTES
        return max(self.rate_bps * (self.rtt_s + QUEUE_S), _FIRST_WINDOW_BYTES / 16)

    @property
    def batch_bytes(self) -> float:
        """Most bytes in one message, if that is more than one plane: it arrives as a whole or not at all.

        On a link that loses much (32 kB/s were seen) four planes of half a megabyte in one message are all
        settled after a minute, and none before.
        """
        return min((self.rate_bps or 0.0) * _BATCH_S, _MOST_BATCH_BYTES)

    @property
    def is_open(self) -> bool:
        """Whether another plane may be sent."""
        return not self._flights or self.under_way_bytes <= self.window_bytes

    @property
    def patience_s(self) -> float:
        """How long what is under way may be without news."""
        if self.rate_bps is None:
            return _BLIND_PATIENCE_S
        return max(_LEAST_PATIENCE_S, 4 * (self.under_way_bytes / self.rate_bps + self.rtt_s))

    def sent(self, seq: int, nbytes: int, now_s: float) -> None:
        """Note that a plane left, or left again."""
        self._take(seq)
        self._flights[seq] = _Flight(nbytes, now_s, self._delivered)
        self.under_way_bytes += nbytes

    def settled(self, seq: int, now_s: float) -> None:
        """Note that a plane has arrived, and learn from it how fast the link is."""
        flight = self._take(seq)
        if flight is None:
            return
        self._delivered += flight.nbytes
        took_s = now_s - flight.sent_at
        # From when it was sent: what has arrived since then went over the link in that time.
        rate = (self._delivered - flight.delivered_before) / max(took_s, 1e-3)
        while self._rates and self._rates[-1][1] <= rate:
            self._rates.pop()
        self._rates.append((now_s, rate))
        while now_s - self._rates[0][0] > _MEMORY_S:
            self._rates.popleft()

    def _take(self, seq: int) -> _Flight | None:
        flight = self._flights.pop(seq, None)
        if flight is not None:
            self.under_way_bytes -= flight.nbytes
        return flight
