"""End a viewer: by asking it."""

import time

from platecast.errors import ViewerCommandError
from platecast.wire import Endpoint, ask

_LOOK_INTERVAL_S = 0.02


def quit_viewer(endpoint: Endpoint, timeout_s: float = 5.0) -> None:
    """Ask a viewer to close its window and wait until its process is gone.

    Raises
    ------
    ViewerNotFoundError
        It does not answer.
    ViewerCommandError
        It answered and is still there after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    ask(endpoint.port, "quit", token=endpoint.token, timeout_s=timeout_s)
    while endpoint.alive:
        if time.monotonic() > deadline:
            raise ViewerCommandError(
                f"the viewer on port {endpoint.port} (process {endpoint.pid}) did not quit in {timeout_s:g} s"
            )
        time.sleep(_LOOK_INTERVAL_S)
