"""Finding, describing and ending viewers; what starts real windows is in `tests/system`."""

import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from platecast.errors import PortInUseError, ViewerCommandError, ViewerNotFoundError, ViewerStartError
from platecast.manager import (
    find_or_start,
    find_viewer,
    go_to,
    has_screen,
    list_viewers,
    log_path,
    quit_viewer,
    start_viewer,
    take_screenshot,
    values_on_screen,
)
from platecast.wire import Ledger, ReceiverSockets, ask, new_instance, read_endpoint, write_endpoint
from tests.receiving import TOKEN, viewer_on
from tests.waiting import wait_until

_VIEWER = Path(__file__).parents[1] / "viewer_process.py"


def test_nobody_is_there(free_port):
    assert find_viewer(free_port) is None
    assert list_viewers() == []


def test_viewer_is_described(free_port):
    with viewer_on(free_port) as viewer:
        found = find_viewer(free_port)
        assert (found.endpoint, found.state, found.ledger) == (viewer.endpoint, "starting", Ledger())
        assert 0 <= found.uptime_s < 60
        assert found.memory_mb > 10


def test_what_may_be_printed_holds_no_secret(free_port):
    with viewer_on(free_port):
        printed = find_viewer(free_port).as_dict()
    assert TOKEN not in str(printed)
    assert (printed["port"], printed["pid"], printed["state"]) == (free_port, os.getpid(), "starting")
    assert printed["ledger"]["sent"] == 0


def test_viewers_are_listed_by_port(find_free_port):
    ports = sorted(find_free_port() for _ in range(2))
    with viewer_on(ports[1]), viewer_on(ports[0]):
        assert [viewer.endpoint.port for viewer in list_viewers()] == ports


def test_viewer_that_is_there_is_found_and_none_started(free_port):
    with viewer_on(free_port) as viewer:
        assert find_or_start(free_port) == viewer.endpoint


@pytest.mark.parametrize(
    ("virtual", "display", "chosen", "told"),
    [
        pytest.param(True, ":7", None, 1, id="nobody sees it, though there is a screen"),
        pytest.param(True, ":7", True, 0, id="as asked for"),
        pytest.param(True, "", None, 0, id="where there is no screen"),
        pytest.param(False, ":7", None, 0, id="on the screen"),
    ],
)
def test_window_that_nobody_sees_is_told(free_port, monkeypatch, caplog, virtual, display, chosen, told):
    monkeypatch.setattr("platecast.manager._start.sys.platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    with viewer_on(free_port) as viewer:
        write_endpoint(msgspec.structs.replace(viewer.endpoint, virtual_screen=virtual))
        find_or_start(free_port, virtual_screen=chosen)
    assert sum("virtual screen" in record.message for record in caplog.records) == told


@pytest.mark.parametrize("port", [0, 64536])
def test_port_out_of_range_is_refused(port):
    with pytest.raises(ValueError, match="is not between"):
        find_or_start(port)


def test_port_of_another_users_viewer_is_left_alone(free_port):
    sockets = ReceiverSockets(free_port, new_instance())
    with pytest.raises(PortInUseError, match=f"port {free_port} is taken by process {os.getpid()}"):
        find_or_start(free_port)
    sockets.close(linger_s=0)


def test_viewer_that_ends_at_once_says_why(free_port, monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho there is no napari here >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(ViewerStartError, match=r"ended at once:\n  there is no napari here"):
        find_or_start(free_port)


def test_viewer_that_does_not_listen_in_time_is_ended(free_port, monkeypatch, tmp_path):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec cat /dev/zero > /dev/null\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    with pytest.raises(ViewerStartError, match=f"no viewer on port {free_port} after 0.2 s"):
        find_or_start(free_port, timeout_s=0.2)


def test_lock_that_another_process_holds_is_waited_for_a_bounded_time(free_port, runtime_dir):
    folder = os.open(runtime_dir, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(ViewerStartError, match="another process takes too long"):
        find_or_start(free_port, timeout_s=0.1)
    os.close(folder)


SCREENS = {
    "X11": ({"DISPLAY": ":0"}, True),
    "Wayland": ({"WAYLAND_DISPLAY": "wayland-0"}, True),
    "none": ({}, False),
    "empty": ({"DISPLAY": ""}, False),
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
@pytest.mark.parametrize("name", SCREENS)
def test_screen_is_known_by_the_environment(name, monkeypatch):
    environment, expected = SCREENS[name]
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert has_screen() is expected


def test_each_port_has_a_log_of_its_own():
    assert log_path(5555).name == "viewer-5555.log"
    assert log_path(5555) != log_path(6555)


def test_quitting_asks_the_viewer_and_waits_for_its_process(free_port):
    with viewer_on(free_port) as viewer:
        # This process is the viewer's and goes on, so that waiting for its end must end, too.
        with pytest.raises(ViewerCommandError, match=f"process {os.getpid()}.* did not quit in 0.3 s"):
            quit_viewer(viewer.endpoint, timeout_s=0.3)
        assert [command.name for command in viewer.commands] == ["quit"]


def test_quitting_without_an_answer_is_an_error(free_port):
    with viewer_on(free_port) as viewer:
        endpoint = viewer.endpoint
    with pytest.raises(ViewerNotFoundError, match="no viewer answered 'quit'"):
        quit_viewer(endpoint, timeout_s=0.1)


def test_asking_where_nobody_is_takes_as_long_as_it_says(free_port):
    with pytest.raises(ViewerNotFoundError, match=f"on port {free_port} within 0.1 s"):
        ask(free_port, "ping", timeout_s=0.1)


def test_connection_file_is_private_while_the_viewer_runs(free_port, runtime_dir):
    with viewer_on(free_port):
        modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in runtime_dir.iterdir()}
        assert set(modes.values()) == {0o600}
    assert list(runtime_dir.iterdir()) == []


@contextlib.contextmanager
def deaf_viewer(port):
    """Run a viewer's process that is stopped, and end it."""
    process = subprocess.Popen([sys.executable, _VIEWER, str(port)], stdin=subprocess.PIPE)
    try:
        endpoint = wait_until(lambda: read_endpoint(port), "the viewer listens", 30)
        process.send_signal(signal.SIGSTOP)
        yield endpoint, process
    finally:
        process.kill()
        process.communicate()
        read_endpoint(port)  # its file is stale now, and removed


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signal stops a process here")
def test_command_ends_with_the_viewer_that_it_was_for(free_port):
    with deaf_viewer(free_port) as (endpoint, process), ThreadPoolExecutor() as threads:
        asked = threads.submit(go_to, endpoint, {"well": "A01"}, 100)
        looking = threads.submit(values_on_screen, endpoint, 100)
        quitting = threads.submit(quit_viewer, endpoint, 100)
        with pytest.raises(TimeoutError):
            asked.result(0.3)
        process.kill()
        with pytest.raises(
            ViewerNotFoundError, match=rf"port {free_port} \(process {process.pid}\) has ended"
        ):
            asked.result(10)
        with pytest.raises(ViewerNotFoundError, match="has ended"):
            looking.result(10)
        assert quitting.result(10) is None


def test_viewer_that_has_ended_is_asked_for_nothing(free_port, find_free_port):
    """Whoever holds its port now must not be told the token."""
    sockets = ReceiverSockets(free_port, new_instance())
    with viewer_on(find_free_port()) as viewer:
        gone = msgspec.structs.replace(viewer.endpoint, port=free_port, start_time=1.0)
        for each in (take_screenshot, quit_viewer):
            with pytest.raises(ViewerNotFoundError, match="has ended"):
                each(gone)
    sockets.close(linger_s=0)


@pytest.mark.parametrize("request_of", [take_screenshot, quit_viewer])
def test_waiting_is_given_up_when_told(free_port, request_of):
    stop = threading.Event()
    with viewer_on(free_port, takes=False) as viewer, ThreadPoolExecutor() as threads:
        asked = threads.submit(request_of, viewer.endpoint, timeout_s=100, stop=stop)
        stop.set()
        with pytest.raises(CancelledError):
            asked.result(10)


def test_start_that_waits_for_another_one_is_given_up_when_told(free_port, runtime_dir):
    stop = threading.Event()
    folder = os.open(runtime_dir, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with ThreadPoolExecutor() as threads:
        started = threads.submit(start_viewer, free_port, timeout_s=100, stop=stop)
        stop.set()
        with pytest.raises(CancelledError):
            started.result(10)
    os.close(folder)
