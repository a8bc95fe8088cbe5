"""End a viewer: by asking it, or by force."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import CancelledError

import psutil

from platecast.errors import ViewerCommandError, ViewerNotFoundError
from platecast.manager._asking import ask_viewer
from platecast.wire import Endpoint, ask_each, list_endpoints, process_start_time, remove_endpoint

_LOOK_INTERVAL_S = 0.02
_IDENTITY_TIMEOUT_S = 0.3


def quit_viewer(endpoint: Endpoint, timeout_s: float = 5.0, *, stop: threading.Event | None = None) -> None:
    """Ask a viewer to close its window and wait until its process is gone.

    Parameters
    ----------
    endpoint
        The viewer.
    timeout_s
        How long to wait.
    stop
        Ends the waiting when it is set; a viewer that was asked quits all the same.

    Raises
    ------
    ViewerNotFoundError
        It has ended before it was asked, or it does not answer.
    ViewerCommandError
        It answered and is still there after `timeout_s`.
    CancelledError
        `stop` was set.
    """
    deadline = time.monotonic() + timeout_s
    was_alive = endpoint.alive
    try:
        ask_viewer(endpoint, "quit", timeout_s=timeout_s, stop=stop)
    except ViewerNotFoundError:
        # Ended by somebody else meanwhile, or gone before its answer was sent: what was wanted, either way.
        if not was_alive or endpoint.alive:
            raise
    if not _wait_gone(endpoint, deadline, stop):
        raise ViewerCommandError(
            f"the viewer on port {endpoint.port} (process {endpoint.pid}) did not quit in {timeout_s:g} s"
        )


def kill_viewer(endpoint: Endpoint, timeout_s: float = 2.0) -> None:
    """End a viewer's process by force, whatever state it is in, and nothing else.

    The process is ended only where its id, the time of its start and the instance in its connection file are
    all those of `endpoint`. What holds the port is never asked for.

    Raises
    ------
    ViewerNotFoundError
        That viewer is not there any longer; nothing was ended.
    ViewerCommandError
        Its process belongs to another user, or is still there after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    _verify(endpoint)
    try:
        _end(endpoint)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise ViewerCommandError(
            f"process {endpoint.pid} of the viewer on port {endpoint.port} is not yours to end"
        ) from error
    if not _wait_gone(endpoint, deadline):
        raise ViewerCommandError(
            f"process {endpoint.pid} of the viewer on port {endpoint.port} did not end in {timeout_s:g} s"
        )
    remove_endpoint(endpoint)


def _verify(endpoint: Endpoint) -> None:
    """Check that this is still the viewer which its connection file describes."""
    described = any(
        (each.pid, each.start_time, each.instance) == (endpoint.pid, endpoint.start_time, endpoint.instance)
        for each in list_endpoints()
    )
    if not described or not endpoint.alive:
        raise ViewerNotFoundError(
            f"the viewer that was on port {endpoint.port} (process {endpoint.pid}) is gone: nothing was ended"
        )
    # One that answers says who it is; one that is stuck cannot.
    answer = ask_each([endpoint], "ping", timeout_s=_IDENTITY_TIMEOUT_S).get(endpoint.instance)
    if answer is not None and answer.get("instance") != endpoint.instance:
        raise ViewerNotFoundError(
            f"another viewer answers on port {endpoint.port}: process {endpoint.pid} was left alone"
        )


def _end(endpoint: Endpoint) -> None:
    if sys.platform == "linux":
        # A descriptor names this process for good: nobody else can get its id between the look and the end.
        process = os.pidfd_open(endpoint.pid)
        try:
            if process_start_time(endpoint.pid) == endpoint.start_time:
                signal.pidfd_send_signal(process, signal.SIGKILL)
        finally:
            os.close(process)
    else:
        try:
            psutil.Process(endpoint.pid).kill()
        except psutil.NoSuchProcess:
            return


def _wait_gone(endpoint: Endpoint, deadline: float, stop: threading.Event | None = None) -> bool:
    while endpoint.alive:
        if stop is not None and stop.is_set():
            raise CancelledError
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_INTERVAL_S)
    return True
