"""Find a viewer or start one: one call, one viewer, however many processes call at once."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from platecast.errors import ViewerStartError
from platecast.locks import lock, open_folder_lock
from platecast.wire import (
    Endpoint,
    ask_each,
    check_ports,
    listen_address,
    next_free_pair,
    read_endpoint,
    runtime_dir,
    wait_for_ports,
)

_log = logging.getLogger(__name__)

_UNSEEN = (
    "the viewer on port %d runs on a virtual screen, for there was none when it was started: nobody sees its"
    " window; `platecast screenshot` takes a picture of it"
)
_LOOK_INTERVAL_S = 0.02
_READY_INTERVAL_S = 0.1
_LOG_TAIL_LINES = 8


def find_or_start(
    port: int,
    *,
    or_next: bool = False,
    title: str = "platecast",
    persistent: bool = True,
    virtual_screen: bool | None = None,
    memory_budget_mb: float | None = None,
    listen: str = "",
    timeout_s: float = 20.0,
) -> Endpoint:
    """Return the viewer of this user on `port`; start it where there is none.

    Returns as soon as the viewer takes planes, before its window is there. Safe to call from many
    processes at once: one of them starts the viewer, the others find it.

    Parameters
    ----------
    port
        Data port; the control port is 1000 above.
    or_next
        Where the pair belongs to somebody else, start the viewer on the next free pair. This user's processes
        find it there under `port` all the same.
    title
        Title of the window, where one is opened.
    persistent
        Whether the viewer outlives this process; otherwise it ends with it.
    virtual_screen
        Whether the viewer runs on a screen of its own that nobody sees; default: where there is no screen.
    memory_budget_mb
        Memory for planes; default: what the environment variable ``PLATECAST_MEMORY_BUDGET_MB`` says, else
        half of what the viewer's process may use.
    listen
        Address of this machine at which a viewer that is started lets in other machines, too, by their keys.
    timeout_s
        How long the viewer may take to listen.

    Raises
    ------
    PairingError
        `listen` is no address of this machine.
    PortInUseError
        One of the ports belongs to something that is no viewer of this user; it is left alone.
    ViewerStartError
        The viewer ended or did not listen in time; the message ends with its last words.
    """
    endpoint = _living(port)
    if endpoint is not None:
        if endpoint.virtual_screen and virtual_screen is None and has_screen():
            _log.warning(_UNSEEN, endpoint.port)
        return endpoint
    if listen:
        listen_address(listen)
    deadline = time.monotonic() + timeout_s
    with _start_lock(deadline):
        endpoint = _living(port)
        if endpoint is not None:
            return endpoint
        wait_for_ports(port)
        if not or_next:
            check_ports(port)
        launch = _Launch(
            port, or_next, title, persistent, virtual_screen, memory_budget_mb, listen, timeout_s
        )
        return _launched(launch, deadline)


def start_viewer(
    port: int,
    *,
    or_next: bool = False,
    title: str = "platecast",
    persistent: bool = True,
    virtual_screen: bool | None = None,
    memory_budget_mb: float | None = None,
    listen: str = "",
    timeout_s: float = 20.0,
    stop: threading.Event | None = None,
) -> Endpoint:
    """Start another viewer, also where this user has one already; otherwise as `find_or_start`.

    Parameters
    ----------
    port
        Data port of the new viewer.
    or_next
        Take the next free pair where that one is taken, by whomever. Unlike with `find_or_start` the new
        viewer is found under its own port only.
    title, persistent, virtual_screen, memory_budget_mb, listen, timeout_s
        As for `find_or_start`.
    stop
        Ends the waiting when it is set; a viewer whose process was started comes up by itself.

    Raises
    ------
    PortInUseError
        The pair is taken, also by a viewer of this user; the message says by whom.
    ViewerStartError
        The viewer ended or did not listen in time; the message ends with its last words.
    CancelledError
        `stop` was set.
    """
    if listen:
        listen_address(listen)
    deadline = time.monotonic() + timeout_s
    with _start_lock(deadline, stop):
        if or_next:
            port = next_free_pair(port)
        else:
            wait_for_ports(port, lambda _: _pause(stop))
            check_ports(port)
        launch = _Launch(port, False, title, persistent, virtual_screen, memory_budget_mb, listen, timeout_s)
        return _launched(launch, deadline, stop)


def wait_ready(endpoint: Endpoint, timeout_s: float = 30.0) -> None:
    """Wait until a viewer's window is there.

    Raises
    ------
    ViewerStartError
        The viewer ended, or its window is not there after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = ask_each([endpoint], "ping", timeout_s=1.0).get(endpoint.instance, {})
        if answer.get("gui_age_s") is not None:
            return
        if not endpoint.alive:
            raise ViewerStartError(
                f"the viewer on port {endpoint.port} ended before its window was there"
                + _last_words(endpoint.asked_port or endpoint.port)
            )
        if time.monotonic() > deadline:
            raise ViewerStartError(f"no window on port {endpoint.port} after {timeout_s:g} s")
        # Not more often: each question takes the interpreter's lock from the thread that makes the window.
        time.sleep(_READY_INTERVAL_S)


@dataclass(frozen=True, slots=True)
class _Launch:
    """What a new viewer is told."""

    port: int
    or_next: bool
    title: str
    persistent: bool
    virtual_screen: bool | None
    memory_budget_mb: float | None
    listen: str
    timeout_s: float


def _launched(launch: _Launch, deadline: float, stop: threading.Event | None = None) -> Endpoint:
    """Start a viewer and wait until it listens. The lock is held."""
    port = launch.port
    process = _launch(launch)
    # Waits for the process so that it leaves no zombie; ends with it or with us.
    threading.Thread(target=process.wait, name=f"viewer-{port}-reaper", daemon=True).start()
    while (endpoint := read_endpoint(port)) is None:
        if process.poll() is not None:
            raise ViewerStartError(f"the viewer on port {port} ended at once{_last_words(port)}")
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise ViewerStartError(
                f"no viewer on port {port} after {launch.timeout_s:g} s{_last_words(port)}"
            )
        _pause(stop)
    if endpoint.virtual_screen and launch.virtual_screen is None:
        _log.warning(_UNSEEN, endpoint.port)
    return endpoint


def _living(port: int) -> Endpoint | None:
    """Return the viewer on `port`.

    Looked at twice: between its signal and its end a process that was killed looks alive for microseconds.
    """
    endpoint = read_endpoint(port)
    return endpoint if endpoint is not None and endpoint.alive else None


def has_screen() -> bool:
    """Whether this process could open a window."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def log_path(port: int) -> Path:
    """Return the file into which the viewer on `port` writes what it has to say."""
    return platformdirs.user_log_path("platecast", appauthor=False) / f"viewer-{port}.log"


@contextlib.contextmanager
def _start_lock(deadline: float, stop: threading.Event | None = None) -> Iterator[None]:
    """Hold the lock of this user's viewers; the kernel lets go of it when its holder dies."""
    folder = open_folder_lock(runtime_dir())
    try:
        while True:
            try:
                lock(folder, waits=False)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ViewerStartError("another process takes too long to start a viewer") from None
                _pause(stop)
        yield
    finally:
        os.close(folder)


def _pause(stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(_LOOK_INTERVAL_S)
    elif stop.wait(_LOOK_INTERVAL_S):
        raise CancelledError


def _launch(launch: _Launch) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "platecast.viewer", "--port", str(launch.port)]
    command += ["--title", launch.title]
    if launch.or_next:
        command += ["--or-next"]
    if not launch.persistent:
        command += ["--owner-pid", str(os.getpid())]
    if not has_screen() if launch.virtual_screen is None else launch.virtual_screen:
        command += ["--virtual-screen"]
    if launch.memory_budget_mb is not None:
        command += ["--memory-budget-mb", str(launch.memory_budget_mb)]
    if launch.listen:
        command += ["--listen", launch.listen]
    path = log_path(launch.port)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as log:
        # A session of its own: the end of a terminal, or Ctrl-C in it, is no business of the viewer.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _last_words(port: int) -> str:
    try:
        lines = log_path(port).read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    except OSError:
        lines = []
    return ":\n  " + "\n  ".join(lines) if lines else f"; see {log_path(port)}"
