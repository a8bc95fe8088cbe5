"""Connection files: private, never stale, never another viewer's."""

import contextlib
import os
import socket
import stat
import subprocess
import sys

import msgspec
import pytest

from platecast.errors import PlatecastError, PortInUseError
from platecast.wire import (
    PROTOCOL_VERSION,
    Endpoint,
    ReceiverSockets,
    check_ports,
    list_endpoints,
    new_instance,
    process_start_time,
    read_endpoint,
    remove_endpoint,
    runtime_dir,
    wait_for_ports,
    write_endpoint,
)

CONTROL_OFFSET = 1000


def endpoint(port=5555, **changes):
    viewer = Endpoint(
        version=PROTOCOL_VERSION,
        port=port,
        pid=os.getpid(),
        start_time=process_start_time(os.getpid()),
        instance=new_instance().hex(),
        token="secret",  # noqa: S106 -- of nobody
        handover="",
        title="test",
        persistent=True,
    )
    return msgspec.structs.replace(viewer, **changes)


@pytest.fixture
def write():
    """Write connection files that the test need not remove."""
    written = []

    def write(*endpoints):
        written.extend(endpoints)
        for each in endpoints:
            write_endpoint(each)

    yield write
    for each in written:
        remove_endpoint(each)


@pytest.fixture
def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    start_time = process_start_time(process.pid)
    process.wait()
    return process.pid, start_time


@contextlib.contextmanager
def held_by_nobody(port):
    """Have a port taken by a socket that no process has: it is on its way between two ends of another one."""
    near, far = socket.socketpair(socket.AF_UNIX)
    with socket.create_server(("127.0.0.1", port)) as server:
        socket.send_fds(near, [b"x"], [server.fileno()])

    def let_go():
        for end in (near, far):
            end.close()

    try:
        yield let_go
    finally:
        let_go()


def test_file_is_read_back_and_readable_by_its_owner_only(write, runtime_dir):
    viewer = endpoint()
    write(viewer)
    assert read_endpoint(5555) == viewer
    (path,) = runtime_dir.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_viewers_are_listed_by_port(write):
    viewers = [endpoint(port) for port in (20000, 5555, 7000)]
    write(*viewers)
    assert [each.port for each in list_endpoints()] == [5555, 7000, 20000]


def test_no_file_is_no_viewer():
    assert read_endpoint(5555) is None
    assert list_endpoints() == []


def test_files_of_a_process_that_ended_are_removed_by_whoever_looks(runtime_dir, dead_process):
    pid, start_time = dead_process
    handover = runtime_dir / "5555-00.sock"
    handover.touch()
    write_endpoint(endpoint(pid=pid, start_time=start_time, handover=str(handover)))
    assert list_endpoints() == []
    assert list(runtime_dir.iterdir()) == []


def test_another_process_with_the_same_id_is_not_the_viewer(runtime_dir):
    write_endpoint(endpoint(start_time=process_start_time(os.getpid()) - 1))
    assert read_endpoint(5555) is None
    assert list(runtime_dir.iterdir()) == []


def test_process_that_nobody_waited_for_is_gone():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_start_time(process.pid) is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert process_start_time(process.pid) is None
    process.wait()


ENDING = {"it has got the signal": (28, 1 << 8), "it gives its memory back": (6, 0x4)}
"""Field of ``/proc/PID/stat`` after the name, and the bit that the kernel sets in it."""


@pytest.mark.parametrize("stage", ENDING)
def test_process_that_was_killed_is_gone_before_it_has_ended(monkeypatch, tmp_path, stage):
    field, bit = ENDING[stage]
    with open(f"/proc/{os.getpid()}/stat", encoding="utf-8") as file:
        head, _, tail = file.read().rpartition(")")
    fields = tail.split()
    fields[field] = str(int(fields[field]) | bit)
    (tmp_path / "stat").write_text(f"{head}) {' '.join(fields)}")
    monkeypatch.setattr("builtins.open", lambda path, **options: (tmp_path / "stat").open(**options))
    assert process_start_time(os.getpid()) is None


def test_file_of_a_newer_viewer_is_not_removed_by_an_older_one(write):
    old, new = endpoint(), endpoint()
    write(old)
    write(new)
    remove_endpoint(old)
    assert read_endpoint(5555) == new


UNREADABLE = {
    "empty": b"",
    "no JSON": b"\xff\xfe",
    "fields are missing": b'{"port": 5555}',
    "text that is no text": b'{"version": 1, "token": "\xff"}',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_file_that_is_no_connection_file_is_named(name, runtime_dir):
    path = runtime_dir / "5555.json"
    path.write_bytes(UNREADABLE[name])
    with pytest.raises(PlatecastError, match=str(path)):
        read_endpoint(5555)
    path.unlink()


class TestRuntimeDir:
    def test_it_is_made_private(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(tmp_path / "a" / "b"))
        assert stat.S_IMODE(runtime_dir().stat().st_mode) == 0o700

    @pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
    def test_folder_that_others_may_enter_is_refused(self, tmp_path, monkeypatch, mode):
        folder = tmp_path / "open"
        folder.mkdir()
        folder.chmod(mode)
        monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(folder))
        with pytest.raises(PlatecastError, match="chmod 700"):
            read_endpoint(5555)

    def test_link_to_a_folder_is_refused(self, tmp_path, monkeypatch):
        (tmp_path / "target").mkdir(mode=0o700)
        (tmp_path / "link").symlink_to(tmp_path / "target")
        monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(tmp_path / "link"))
        with pytest.raises(PlatecastError, match="no folder of this user"):
            runtime_dir()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_folder_of_another_user_is_refused(self, tmp_path, monkeypatch):
        folder = tmp_path / "foreign"
        folder.mkdir(mode=0o700)
        os.chown(folder, 12345, -1)
        monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(folder))
        with pytest.raises(PlatecastError, match="no folder of this user"):
            runtime_dir()


class TestPorts:
    @pytest.mark.parametrize("offset", [0, CONTROL_OFFSET], ids=["data port", "control port"])
    @pytest.mark.parametrize("bind", [check_ports, lambda port: ReceiverSockets(port, new_instance())])
    def test_taken_port_is_named_with_its_owner(self, free_port, offset, bind):
        before = len(os.listdir("/proc/self/fd"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", free_port + offset))
            taken.listen()
            words = rf"port {free_port + offset} is taken by process {os.getpid()} \("
            with pytest.raises(PortInUseError, match=words):
                bind(free_port)
        assert len(os.listdir("/proc/self/fd")) == before

    @pytest.mark.parametrize("port", [0, -1, 64536, 70000])
    def test_port_without_room_for_the_control_port_is_refused(self, port):
        with pytest.raises(ValueError, match=f"port {port} is not between 1 and 64535"):
            check_ports(port)

    def test_ports_that_a_dead_process_still_holds_are_waited_for(self, free_port):
        with held_by_nobody(free_port + CONTROL_OFFSET) as let_go:
            with pytest.raises(PortInUseError):
                check_ports(free_port)
            waits = []
            wait_for_ports(free_port, lambda seconds: (waits.append(seconds), let_go()))
            assert len(waits) == 1
            check_ports(free_port)

    def test_dead_process_is_not_waited_for_longer_than_its_memory_takes(self, free_port, monkeypatch):
        monkeypatch.setattr("platecast.wire._ports._DYING_S", 0.05)
        with held_by_nobody(free_port):
            wait_for_ports(free_port)
            with pytest.raises(PortInUseError, match="is taken by a process of user"):
                check_ports(free_port)

    def test_ports_of_a_living_process_are_not_waited_for(self, free_port):
        with socket.create_server(("127.0.0.1", free_port)):
            wait_for_ports(free_port, lambda seconds: pytest.fail("it waits"))

    def test_port_is_free_again_after_a_viewer(self, free_port):
        for _ in range(2):
            ReceiverSockets(free_port, new_instance()).close(linger_s=0)

    def test_runtime_folder_with_too_long_a_name_costs_speed_only(
        self, free_port, tmp_path, monkeypatch, caplog
    ):
        monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(tmp_path / ("x" * 120)))
        sockets = ReceiverSockets(free_port, new_instance())
        assert sockets.handover == ""
        assert "too long for a unix socket" in caplog.text
        sockets.close(linger_s=0)

    def test_waking_closed_sockets_touches_no_other_file(self, free_port, tmp_path):
        sockets = ReceiverSockets(free_port, new_instance())
        sockets.close(linger_s=0)
        files = [(tmp_path / str(n)).open("wb") for n in range(20)]
        sockets.wake()
        for file in files:
            file.close()
        assert [path.stat().st_size for path in tmp_path.iterdir()] == [0] * 20


@pytest.mark.skipif(
    not hasattr(os, "geteuid"), reason="the folder is another one where there are no user ids"
)
@pytest.mark.parametrize("has_runtime_dir", [True, False])
def test_where_connection_files_lie(monkeypatch, tmp_path, has_runtime_dir):
    monkeypatch.delenv("PLATECAST_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.access", lambda path, mode: has_runtime_dir)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "xdg"))
    expected = tmp_path / "xdg" / "platecast" if has_runtime_dir else tmp_path / f"platecast-{os.geteuid()}"
    assert runtime_dir() == expected
    assert expected.stat().st_mode & 0o777 == 0o700
