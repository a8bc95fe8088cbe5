"""Viewers under control: started by many at once, tied to an owner, stopped, killed; never the wrong one."""

import os
import signal
import socket

import msgspec
import numpy as np
import psutil
import pytest

from platecast import Stream
from platecast.config import NapariStreamingConfig
from platecast.errors import PortInUseError, ViewerCommandError, ViewerNotFoundError
from platecast.manager import (
    ViewerWatch,
    find_or_start,
    find_viewer,
    kill_viewer,
    list_viewers,
    quit_viewer,
    start_viewer,
    wait_ready,
)
from platecast.wire import Endpoint, list_endpoints, process_start_time, read_endpoint, write_endpoint
from tests.waiting import wait_until

AT_ONCE = """
import sys
from platecast.manager import find_or_start
print("ready", flush=True)
sys.stdin.readline()
print(find_or_start(int(sys.argv[1]), virtual_screen=True).instance, flush=True)
"""
OWNER = """
import sys
from platecast.manager import find_or_start
persistent = sys.argv[2] == "persistent"
print(find_or_start(int(sys.argv[1]), persistent=persistent, virtual_screen=True).pid, flush=True)
sys.stdin.read()
"""
STRANGER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    print("listening", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def killed(runtime_dir):
    """End, at the end, every viewer that is still there."""
    yield
    for endpoint in list_endpoints():
        kill_viewer(endpoint)


@pytest.fixture
def headless_viewer(start_viewer):
    def start(port):
        start_viewer(port)
        return read_endpoint(port)

    return start


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("repetition", range(3))
def test_ten_processes_at_once_get_one_viewer(start, free_port, repetition):
    processes = [start("-c", AT_ONCE, free_port) for _ in range(10)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    instances = {process.stdout.readline().strip() for process in processes}
    (endpoint,) = list_endpoints()
    assert instances == {endpoint.instance}
    viewers = [p for p in psutil.process_iter(["cmdline"]) if _is_viewer(p, free_port)]
    assert [viewer.pid for viewer in viewers] == [endpoint.pid]


def _is_viewer(process, port):
    command = process.info["cmdline"] or []
    return "platecast.viewer" in command and str(port) in command


def test_owned_viewer_ends_with_its_killed_owner_while_it_is_starting(start, free_port):
    owner = start("-c", OWNER, free_port, "owned")
    owner.stdout.readline()
    endpoint = read_endpoint(free_port)
    owner.kill()
    owner.wait()
    wait_until(lambda: not endpoint.alive, "it ends", 3)


@pytest.mark.usefixtures("killed")
def test_persistent_viewer_survives_its_owner_and_the_terminal(start, free_port):
    owner = start("-c", OWNER, free_port, "persistent")
    pid = int(owner.stdout.readline())
    assert os.getsid(pid) == pid != os.getsid(owner.pid), "no terminal ends it"
    owner.kill()
    owner.wait()
    endpoint = read_endpoint(free_port)
    assert (endpoint.pid, endpoint.persistent, endpoint.alive) == (pid, True, True)
    quit_viewer(endpoint, timeout_s=5)
    assert read_endpoint(free_port) is None, "one that is still starting can be quit"


@pytest.mark.usefixtures("killed")
def test_window_is_followed_asked_stopped_and_quit(find_free_port, tmp_path):
    """One real window, for all that needs one."""
    port = find_free_port()
    with ViewerWatch() as watch:
        endpoint = find_or_start(port, title="under control", virtual_screen=True)
        wait_ready(endpoint, 60)
        config = NapariStreamingConfig(napari_port=port, when_full="block")
        with Stream(config=config, start_viewer=False) as stream:
            for site in range(1, 9):
                stream.send(np.full((64, 64), site, np.uint16), well="A01", site=site)
            stream.flush(30)
            report = stream.report()
        found = find_viewer(port)
        assert report.shown == 8
        assert (
            found.ledger
            == report
            == wait_until(
                lambda: watch.viewers[0].ledger if watch.viewers[0].ledger == report else None,
                "observers agree",
            )
        )
        layers = wait_until(lambda: watch.viewers[0].status.layers, "its layers are told")
        wait_until(lambda: watch.viewers[0].status.layers[0].planes == 8, "all planes are told")
        assert layers[0].kind == "image"
        assert watch.viewers[0].pixels_mb == pytest.approx(8 * 64 * 64 * 2 / 1e6)

        os.kill(endpoint.pid, signal.SIGSTOP)
        wait_until(lambda: watch.viewers[0].state == "not responding", "observers see it", 3)
        assert find_viewer(port).state == "not responding"
        os.kill(endpoint.pid, signal.SIGCONT)
        wait_until(lambda: watch.viewers[0].state == "ready", "it comes back")

        second = start_viewer(port, or_next=True, virtual_screen=True)
        assert second.port > port
        assert {viewer.endpoint.instance for viewer in list_viewers()} == {endpoint.instance, second.instance}
        with pytest.raises(PortInUseError, match=f"your viewer 'under control' on ports {port}"):
            start_viewer(port)
        os.kill(second.pid, signal.SIGSTOP)
        kill_viewer(second)
        assert not second.alive
        assert [viewer.endpoint.instance for viewer in list_viewers()] == [endpoint.instance]

        quit_viewer(endpoint, timeout_s=3)
        wait_until(lambda: watch.viewers == (), "it has gone")
    assert list_endpoints() == []


def test_stopped_viewer_is_ended_and_nothing_else(headless_viewer, find_free_port):
    victim, other = headless_viewer(find_free_port()), headless_viewer(find_free_port())
    os.kill(victim.pid, signal.SIGSTOP)
    assert [viewer.state for viewer in list_viewers() if viewer.endpoint == victim] == ["not responding"]
    with pytest.raises(ViewerNotFoundError, match="no viewer answered 'quit'"):
        quit_viewer(victim, timeout_s=0.2)
    kill_viewer(victim)
    assert not victim.alive
    assert read_endpoint(victim.port) is None
    assert find_viewer(other.port).state == "starting"


@pytest.fixture
def stranger(start, free_port):
    process = start("-c", STRANGER, free_port)
    assert process.stdout.readline() == "listening\n"
    return process


def _forged(stranger, port, **changes):
    endpoint = Endpoint(
        version=1,
        port=port,
        pid=stranger.pid,
        start_time=process_start_time(stranger.pid),
        instance="00" * 16,
        token="none",  # noqa: S106 -- of nobody
        handover="",
        title="forged",
        persistent=True,
    )
    return msgspec.structs.replace(endpoint, **changes)


FORGERIES = {
    "no connection file": (False, {}, {}),
    "the process id was used again": (True, {"start_time": 1.0}, {"start_time": 1.0}),
    "another instance in the file": (True, {"instance": "11" * 16}, {}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_foreign_process_on_the_port_is_never_touched(stranger, free_port, name, runtime_dir):
    is_written, in_file, in_hand = FORGERIES[name]
    if is_written:
        write_endpoint(_forged(stranger, free_port, **in_file))
    with pytest.raises(ViewerNotFoundError, match="nothing was ended"):
        kill_viewer(_forged(stranger, free_port, **in_hand))
    assert stranger.poll() is None
    socket.create_connection(("127.0.0.1", free_port)).close()
    with pytest.raises((PortInUseError, ViewerCommandError)):
        start_viewer(free_port)
    for path in runtime_dir.glob("*.json"):
        path.unlink()


def test_pair_of_a_stranger_is_named_or_the_next_one_is_taken(stranger, free_port):
    with pytest.raises(PortInUseError, match=f"port {free_port} is taken by process {stranger.pid} "):
        start_viewer(free_port)
    endpoint = start_viewer(free_port, or_next=True, virtual_screen=True)
    try:
        assert endpoint.port > free_port
        assert stranger.poll() is None
    finally:
        kill_viewer(endpoint)


def test_killed_viewer_leaves_files_that_the_next_look_removes(headless_viewer, free_port, runtime_dir):
    endpoint = headless_viewer(free_port)
    os.kill(endpoint.pid, signal.SIGKILL)
    wait_until(lambda: not endpoint.alive, "it has ended")
    assert list(runtime_dir.iterdir())
    with pytest.raises(ViewerNotFoundError, match="is gone: nothing was ended"):
        kill_viewer(endpoint)
    assert list(runtime_dir.iterdir()) == []


def test_terminated_while_starting_it_leaves_nothing(free_port, runtime_dir):
    endpoint = start_viewer(free_port, virtual_screen=True)
    os.kill(endpoint.pid, signal.SIGTERM)
    wait_until(lambda: not endpoint.alive, "it has ended")
    assert list(runtime_dir.iterdir()) == []
