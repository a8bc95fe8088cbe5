"""Whether a pair of ports is free, and who has it where it is not."""

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from platecast.config import CONTROL_PORT_OFFSET, MAX_PORT
from platecast.errors import PortInUseError
from platecast.wire._endpoint import LOOPBACK, list_endpoints

_PORTS_TRIED = 100
_LISTENING = "0A"
"""State of a listening socket in ``/proc/net/tcp``."""
_DYING_S = 2.0
"""How long a process that was killed may hold its sockets: gigabytes of planes go first."""
_LOOK_AGAIN_S = 0.02


def check_ports(port: int) -> None:
    """Check that a viewer could listen on `port` and `port` + 1000.

    Raises
    ------
    ValueError
        The pair is outside the range of ports.
    PortInUseError
        One of the two is taken; the message says which, and by whom where the system tells.
    """
    if not 1 <= port <= MAX_PORT:
        raise ValueError(
            f"port {port} is not between 1 and {MAX_PORT}: the control port is {CONTROL_PORT_OFFSET} above"
        )
    for each in (port, port + CONTROL_PORT_OFFSET):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, each))
            except OSError as error:
                raise PortInUseError(error.errno, f"port {each} is taken by {port_owner(each)}") from error


def wait_for_ports(port: int, pause: Callable[[float], object] = time.sleep) -> None:
    """Wait while a pair is held by what has ended already; at most two seconds.

    The sockets of a process that was killed go last, after gigabytes of planes. Whoever else has the ports is
    not waited for.

    Parameters
    ----------
    port
        Data port; the control port is 1000 above.
    pause
        Waits for so many seconds; what it raises ends the waiting.
    """
    with contextlib.suppress(PortInUseError):
        check_ports(port)
        return
    deadline = time.monotonic() + _DYING_S
    while any(map(_is_dying, (port, port + CONTROL_PORT_OFFSET))) and time.monotonic() < deadline:
        pause(_LOOK_AGAIN_S)


def next_free_pair(port: int) -> int:
    """Return the first data port from `port` on whose pair is free, and which no viewer of this user means.

    Raises
    ------
    PortInUseError
        Not one of a hundred is free.
    """
    meant = {each.asked_port for each in list_endpoints()}
    for candidate in range(port, min(port + _PORTS_TRIED, MAX_PORT + 1)):
        if candidate in meant:
            continue
        try:
            check_ports(candidate)
        except PortInUseError:
            continue
        return candidate
    raise PortInUseError(errno.EADDRINUSE, f"no pair of ports is free from {port} to {port + _PORTS_TRIED}")


def port_owner(port: int) -> str:
    """Return who listens on a TCP port of this machine, in words."""
    with contextlib.suppress(psutil.Error):
        for pid in _listeners(port):
            if pid is not None:
                return f"process {pid} ({_process_name(pid)})"
    user = _port_user(port)
    if user is None:
        return "another process"
    import pwd  # there is none on Windows

    try:
        return f"a process of user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"a process of user {user}"


def _listeners(port: int) -> list[int | None]:
    """Return the processes that listen on a port, `None` for one that the system does not tell."""
    return [
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
    ]


def _is_dying(port: int) -> bool:
    """Say whether a socket of this user listens which no process has any more."""
    try:
        listeners = _listeners(port)
    except psutil.Error:
        return False
    if not listeners or any(listeners):
        return False
    # Where the system does not tell whose it is, nobody is taken for dying; Windows has no user ids either.
    user = _port_user(port)
    return user is not None and user == os.geteuid()


def _process_name(pid: int) -> str:
    """Return the name of a process, and which viewer of this user it is, if any."""
    name = psutil.Process(pid).name()
    viewer = next((each for each in list_endpoints() if each.pid == pid), None)
    if viewer is None:
        return name
    return (
        f"{name}: your viewer {viewer.title!r} on ports {viewer.port} and {viewer.port + CONTROL_PORT_OFFSET}"
    )


def _port_user(port: int) -> int | None:
    """Return whose socket listens, from the table that every user may read; `None` where there is none."""
    try:
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    except OSError:
        return None
    for row in rows:
        if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port:
            return int(row[7])
    return None
