"""The runtime folder, what was left in it, the ports, and the viewers there are."""

import contextlib
from collections.abc import Iterator

from platecast._version import __version__
from platecast.errors import PlatecastError, PortInUseError
from platecast.manager._doctor._finding import Finding, error, ok, warning
from platecast.manager._find import NOT_RESPONDING, list_viewers
from platecast.wire import (
    MAX_PATH_BYTES,
    RUNTIME_DIR_VARIABLE,
    check_ports,
    clean_runtime_dir,
    read_endpoint,
    runtime_dir,
)

_SOCKET_NAME_BYTES = len("/65535-00112233.sock")


def look_at_places(port: int, is_chosen: bool) -> Iterator[Finding]:
    """Look at the runtime folder and, where that may be used, at everything in it.

    Parameters
    ----------
    port
        The data port of the pair that is looked at.
    is_chosen
        Whether somebody named it; otherwise a viewer takes the next pair where that one is taken.
    """
    try:
        folder = runtime_dir()
    except (PlatecastError, OSError) as problem:
        # Our own errors end with what to do.
        what, _, advice = str(problem).rpartition(": ")
        if not isinstance(problem, PlatecastError):
            what, advice = str(problem), f"set {RUNTIME_DIR_VARIABLE} to a folder of your own"
        yield error("runtime folder", what, advice)
        return
    if len(str(folder).encode()) + _SOCKET_NAME_BYTES > MAX_PATH_BYTES:
        what = (
            f"{folder} is too long for unix sockets: pixels travel inside messages, at about half the speed"
        )
        yield warning("runtime folder", what, f"set {RUNTIME_DIR_VARIABLE} to a shorter one")
    else:
        yield ok("runtime folder", str(folder))
    yield from _leftovers()
    yield _ports(port, is_chosen)
    yield from _viewers()


def _leftovers() -> Iterator[Finding]:
    files = clean_runtime_dir()
    if files.removed:
        names = ", ".join(path.name for path in files.removed)
        what = f"{len(files.removed)} files of viewers that ended without removing them: {names}"
        yield warning("stale files", what, "nothing: they were removed")
    for path, reason in files.unreadable:
        yield error("stale files", f"{path} cannot be read: {reason}", f"rm '{path}'")


def _ports(port: int, is_chosen: bool) -> Finding:
    with contextlib.suppress(PlatecastError):
        viewer = read_endpoint(port)
        if viewer is not None:
            pair = f"{viewer.port} and {viewer.port + 1000}"
            return ok("ports", f"{pair} are those of your viewer {viewer.title!r}, process {viewer.pid}")
    try:
        check_ports(port)
    except PortInUseError as problem:
        reason = problem.strerror or str(problem)
        if is_chosen:
            return error("ports", reason, "choose another port: platecast start without --port finds one")
        return warning("ports", reason, "nothing: viewers take the next pair that is free")
    return ok("ports", f"{port} and {port + 1000} are free")


def _viewers() -> Iterator[Finding]:
    for viewer in list_viewers():
        port, status = viewer.endpoint.port, viewer.status
        if viewer.state == NOT_RESPONDING:
            what = f"the viewer on port {port} (process {viewer.endpoint.pid}) does not respond"
            yield warning("viewers", what, f"wait, or: platecast kill {port}")
        elif status is not None and status.version != __version__:
            what = f"the viewer on port {port} is platecast {status.version}, and this is {__version__}"
            yield warning("viewers", what, f"platecast quit {port}, and start it again")
        else:
            yield ok("viewers", f"port {port}, {viewer.state}")
