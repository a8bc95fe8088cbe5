"""Which viewers of this user there are, and how they are."""

from dataclasses import dataclass
from typing import Any

from platecast.errors import ViewerNotFoundError
from platecast.wire import Endpoint, Ledger, ask, list_endpoints, read_endpoint

_STATUS_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    """One viewer at one moment.

    Parameters
    ----------
    endpoint
        Its connection file.
    state
        ``"starting"``, ``"ready"``, ``"busy"`` (its window's loop has not turned for a second) or
        ``"not responding"``. A viewer that does not respond may come back; only its process's end is final.
    ledger
        The account of everything it was sent; `None` where it does not respond.
    uptime_s
        Seconds since it listens.
    memory_mb
        Its resident memory.
    """

    endpoint: Endpoint
    state: str
    ledger: Ledger | None = None
    uptime_s: float | None = None
    memory_mb: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what may be printed: everything but the secret."""
        ledger = self.ledger
        return {
            "port": self.endpoint.port,
            "pid": self.endpoint.pid,
            "title": self.endpoint.title,
            "state": self.state,
            "persistent": self.endpoint.persistent,
            "uptime_s": self.uptime_s,
            "memory_mb": self.memory_mb,
            "ledger": None
            if ledger is None
            else {name: getattr(ledger, name) for name in ledger.__struct_fields__},
        }


def find_viewer(port: int) -> ViewerInfo | None:
    """Return the viewer of this user on `port`, or `None`."""
    endpoint = read_endpoint(port)
    return None if endpoint is None else _look(endpoint)


def list_viewers() -> list[ViewerInfo]:
    """Return every living viewer of this user, by port; also those that other processes started."""
    return [_look(endpoint) for endpoint in list_endpoints()]


def _look(endpoint: Endpoint) -> ViewerInfo:
    try:
        status, _ = ask(endpoint.port, "status", token=endpoint.token, timeout_s=_STATUS_TIMEOUT_S)
    except ViewerNotFoundError:
        return ViewerInfo(endpoint, "not responding")
    return ViewerInfo(
        endpoint, status["state"], Ledger(**status["ledger"]), status["uptime_s"], status["memory_mb"]
    )
