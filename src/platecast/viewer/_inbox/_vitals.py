"""What a viewer says of itself: whether its window turns, and what it has."""

import time
from collections.abc import Iterable
from typing import Any

import msgspec
import psutil

from platecast._version import __version__
from platecast.layers import Holdings
from platecast.viewer._inbox._budget import planes_status
from platecast.viewer._inbox._sender import Sender
from platecast.wire import PROTOCOL_VERSION, Endpoint, LayerStatus, Ledger

_BUSY_AFTER_S = 1.0
_MOST_LAYERS_NAMED = 256


class Vitals:
    """Makes the answers to `ping` and `status`, see `docs/protocol.md`.

    The window's thread says that it turns, and which layers there are; the receiver's thread asks.

    Parameters
    ----------
    endpoint
        What the connection file says.
    progress_address
        Where progress is published.
    """

    def __init__(self, endpoint: Endpoint, progress_address: str) -> None:
        self._endpoint = endpoint
        self._progress_address = progress_address
        self._started_at = time.monotonic()
        self._beat_at: float | None = None
        self.layers: tuple[LayerStatus, ...] = ()
        """Which layers there are."""
        self.refused = 0
        """How many messages, planes and requests were not accepted."""
        self.dropped_unnamed = 0
        """How many planes were dropped of which their senders could not say what they were."""

    def beat(self) -> None:
        """Hear that the window's loop is alive."""
        self._beat_at = time.monotonic()

    @property
    def has_window(self) -> bool:
        """Whether the window's loop has ever turned."""
        return self._beat_at is not None

    @property
    def state(self) -> str:
        """``starting``, ``ready``, or ``busy`` where the window's loop has not turned for a second."""
        age_s = self._gui_age_s()
        return "starting" if age_s is None else "busy" if age_s > _BUSY_AFTER_S else "ready"

    def pong(self) -> dict[str, Any]:
        """Return what anybody may know, as the answer to `ping`."""
        return {
            "type": "pong",
            "protocol": PROTOCOL_VERSION,
            "version": __version__,
            "port": self._endpoint.port,
            "pid": self._endpoint.pid,
            "instance": self._endpoint.instance,
            "title": self._endpoint.title,
            "state": self.state,
            "gui_age_s": self._gui_age_s(),
            "uptime_s": time.monotonic() - self._started_at,
            "progress": self._progress_address,
        }

    def status(
        self, ledger: Ledger, senders: Iterable[Sender], queued: int, holdings: Holdings
    ) -> dict[str, Any]:
        """Return the account and what the viewer is doing, as the answer to `status`.

        Parameters
        ----------
        ledger
            The account of everything that the viewer was ever sent.
        senders
            Who is connected.
        queued
            How much waits for the window.
        holdings
            Where the planes are, and what they take.
        """
        return {
            **self.pong(),
            "type": "status",
            "ledger": msgspec.to_builtins(ledger),
            "senders": [
                {"pid": s.pid, "memory": s.memory, "host": s.host, "silent_s": s.silent_s} for s in senders
            ],
            "queued": queued,
            "refused": self.refused,
            "dropped_unnamed": self.dropped_unnamed,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
            "planes": planes_status(holdings),
            "layer_count": len(self.layers),
            "layers": self.layers[:_MOST_LAYERS_NAMED],
        }

    def _gui_age_s(self) -> float | None:
        return None if self._beat_at is None else time.monotonic() - self._beat_at
