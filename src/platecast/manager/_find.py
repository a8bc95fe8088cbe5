"""Which viewers of this user there are, and how they are."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from platecast.wire import Endpoint, Ledger, ViewerStatus, ask_each, list_endpoints, read_endpoint

_log = logging.getLogger(__name__)

_STATUS_TIMEOUT_S = 1.0

NOT_RESPONDING = "not responding"
GONE = "gone"


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    """One viewer at one moment.

    Parameters
    ----------
    endpoint
        Its connection file.
    state
        ``"starting"``, ``"ready"``, ``"busy"`` (its window's loop has not turned for a second), ``"not
        responding"`` or ``"gone"``. A viewer that does not respond may come back; only its process's end is
        final.
    status
        The last that it said of itself; `None` where nothing was heard.
    """

    endpoint: Endpoint
    state: str
    status: ViewerStatus | None = None

    @property
    def ledger(self) -> Ledger | None:
        """The account of everything it was sent."""
        return None if self.status is None else self.status.ledger

    @property
    def uptime_s(self) -> float | None:
        """Seconds since it listens."""
        return None if self.status is None else self.status.uptime_s

    @property
    def memory_mb(self) -> float | None:
        """Its resident memory."""
        return None if self.status is None else self.status.memory_mb

    @property
    def pixels_mb(self) -> float | None:
        """What the pixels of planes take of it."""
        return None if self.status is None else self.status.planes.memory_mb

    def as_dict(self) -> dict[str, Any]:
        """Return what may be printed: everything but the secret."""
        endpoint, status = self.endpoint, self.status
        printed = {
            "port": endpoint.port,
            "pid": endpoint.pid,
            "instance": endpoint.instance,
            "title": endpoint.title,
            "state": self.state,
            "persistent": endpoint.persistent,
            "uptime_s": self.uptime_s,
            "memory_mb": self.memory_mb,
            "pixels_mb": self.pixels_mb,
            "ledger": None if status is None else msgspec.to_builtins(status.ledger),
        }
        if status is not None:
            printed |= {"queued": status.queued, "refused": status.refused}
            printed |= {name: msgspec.to_builtins(getattr(status, name)) for name in ("senders", "layers")}
        return printed


def find_viewer(port: int) -> ViewerInfo | None:
    """Return the viewer of this user on `port`, or `None`."""
    endpoint = read_endpoint(port)
    return None if endpoint is None else look([endpoint])[0]


def list_viewers() -> list[ViewerInfo]:
    """Return every living viewer of this user, by port; also those that other processes started.

    All are asked at once, so that this takes about a second at most, whatever state they are in.
    """
    return look(list_endpoints())


def look(endpoints: Sequence[Endpoint]) -> list[ViewerInfo]:
    """Return how these viewers are."""
    answers = ask_each(endpoints, "status", timeout_s=_STATUS_TIMEOUT_S)
    return [_describe(endpoint, answers.get(endpoint.instance)) for endpoint in endpoints]


def _describe(endpoint: Endpoint, answer: dict[str, Any] | None) -> ViewerInfo:
    if answer is None or answer.get("instance") != endpoint.instance:
        return ViewerInfo(endpoint, NOT_RESPONDING if endpoint.alive else GONE)
    try:
        status = msgspec.convert(answer, ViewerStatus)
    except msgspec.ValidationError as error:
        _log.warning("the viewer on port %d speaks another protocol: %s", endpoint.port, error)
        return ViewerInfo(endpoint, str(answer.get("state")))
    return ViewerInfo(endpoint, status.state, status)
