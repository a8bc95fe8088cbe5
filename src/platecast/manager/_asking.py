"""How a viewer is asked for something: until it answers, its process ends, or nobody wants the answer."""

import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import Any

from platecast.errors import ViewerNotFoundError
from platecast.wire import Endpoint, exchange


def ask_viewer(
    endpoint: Endpoint,
    request: str,
    args: Mapping[str, Any] | None = None,
    *,
    timeout_s: float,
    stop: threading.Event | None = None,
) -> tuple[dict[str, Any], list[bytes]]:
    """Send a request to a viewer and wait for its answer, as long as its process is there.

    Parameters
    ----------
    endpoint
        The viewer. Whatever holds its ports once its process has ended is told nothing.
    request, args
        Name of the command and its arguments as JSON values, see `docs/protocol.md`.
    timeout_s
        How long to wait.
    stop
        Ends the waiting when it is set, by another thread.

    Returns
    -------
    answer, blobs
        The JSON answer and its binary attachments.

    Raises
    ------
    ViewerNotFoundError
        The viewer has ended, or it does not answer.
    ViewerCommandError
        It refused the request or failed to carry it out.
    CancelledError
        `stop` was set.
    """

    def look() -> None:
        if stop is not None and stop.is_set():
            raise CancelledError
        if not endpoint.alive:
            raise ViewerNotFoundError(
                f"the viewer on port {endpoint.port} (process {endpoint.pid}) has ended: {request!r} was not"
                " answered"
            )

    look()
    return exchange(
        endpoint.port, request, args or {}, token=endpoint.token, timeout_s=timeout_s, while_waiting=look
    )
