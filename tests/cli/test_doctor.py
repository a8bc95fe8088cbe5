"""The doctor finds each fault that is planted here, and says what to do about it."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

from platecast.manager import Level
from platecast.manager._doctor._packages import fits
from platecast.manager._doctor._places import look_at_places
from platecast.manager._doctor._screen import explain, judge
from platecast.wire import Endpoint, write_endpoint
from tests.receiving import viewer_on

pytest.importorskip("napari", reason="needs the extra 'viewer'")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a fault of Linux")
as_root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root to plant it")


def examine(*arguments, before="", **environment):
    """Run the doctor in a process of its own, perhaps after a piece of shell; return status and findings."""
    changed = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    command = f'{before} exec "$@"'
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            command,
            "sh",
            sys.executable,
            "-m",
            "platecast",
            "doctor",
            "--json",
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        env=changed,
        timeout=100,
    )
    assert done.stdout.startswith("["), done
    return done.returncode, {finding["name"]: finding for finding in json.loads(done.stdout)}


def places(port=5999, is_chosen=True):
    """Look at folder, files and ports alone: that takes no second of Qt's."""
    return {each.name: dataclasses.asdict(each) for each in look_at_places(port, is_chosen)}


def check(found, name, level, what, advice):
    finding = found[name]
    assert finding["level"] == level, found
    assert what in finding["what"]
    assert advice in finding["advice"]


def test_healthy_machine(free_port):
    status, found = examine("--port", free_port)
    assert (status, [each for each in found.values() if each["level"] == "error"]) == (0, [])
    assert {"platecast", "viewer", "shared memory", "ports", "runtime folder", "screen", "Qt"} <= found.keys()
    assert found["ports"]["what"] == f"{free_port} and {free_port + 1000} are free"


def test_no_screen_and_no_xvfb(tmp_path):
    for program in ("sh", "env"):
        (tmp_path / program).symlink_to(shutil.which(program))
    status, found = examine(DISPLAY=None, WAYLAND_DISPLAY=None, PATH=str(tmp_path))
    assert status == 1
    check(found, "screen", "error", "neither DISPLAY nor WAYLAND_DISPLAY is set", "apt-get install xvfb")


@on_linux
def test_screen_that_is_not_there():
    status, found = examine(DISPLAY=":4711", WAYLAND_DISPLAY=None)
    assert status == 1
    check(found, "Qt", "error", "the screen :4711 cannot be reached", "set DISPLAY")


@on_linux
def test_platform_plugin_that_is_not_there():
    status, found = examine(QT_QPA_PLATFORM="palantir")
    assert status == 1
    check(found, "Qt", "error", "there is no platform plugin 'palantir'", "unset QT_QPA_PLATFORM")


@as_root
def test_library_of_qt_that_is_not_there():
    library = "libxcb-cursor.so.0"
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    places = {line.rpartition(" => ")[2].strip() for line in listed.splitlines() if library in line}
    # Over the library lies an empty file, for this process alone.
    hide = "".join(
        f"mount --bind /dev/null {place} && " for place in sorted({os.path.realpath(p) for p in places})
    )
    command = ["unshare", "--mount", "true"]
    if not places or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no private mounts here")
    inside = f'exec unshare --mount sh -c \'{hide} exec "$@"\' sh "$@"; '
    status, found = examine(before=inside)
    assert status == 1
    check(found, "libraries", "error", f"missing: {library}", "apt-get install libxcb-cursor0")


def test_runtime_folder_that_is_open_to_others(tmp_path):
    tmp_path.chmod(0o755)
    status, found = examine(PLATECAST_RUNTIME_DIR=str(tmp_path))
    assert status == 1
    check(found, "runtime folder", "error", f"{tmp_path} is open to other users", "chmod 700")


@as_root
def test_runtime_folder_of_somebody_else(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 65534, 65534)
    monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(tmp_path))
    check(places(), "runtime folder", "error", "is no folder of this user", "PLATECAST_RUNTIME_DIR")


def test_runtime_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(tmp_path / "file" / "run"))
    check(places(), "runtime folder", "error", "Not a directory", "PLATECAST_RUNTIME_DIR")


@on_linux
def test_runtime_folder_whose_path_is_too_long(tmp_path, monkeypatch):
    folder = tmp_path / ("long" * 25)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("PLATECAST_RUNTIME_DIR", str(folder))
    check(places(), "runtime folder", "warning", "too long for unix sockets", "set PLATECAST_RUNTIME_DIR")


@pytest.mark.parametrize("offset", [0, 1000], ids=["data port", "control port"])
def test_pair_of_a_stranger(free_port, offset):
    with socket.create_server(("127.0.0.1", free_port + offset)):
        what = f"port {free_port + offset} is taken by process {os.getpid()} "
        check(places(free_port), "ports", "error", what, "choose another port")
        check(places(free_port, is_chosen=False), "ports", "warning", what, "the next pair")


@on_linux
def test_anonymous_memory_that_cannot_be_used():
    status, found = examine(before="ulimit -f 64;")
    assert status == 1
    check(found, "shared memory", "error", "memfd memory cannot be used", "ulimit -f unlimited")


@on_linux
def test_few_descriptors():
    status, found = examine(before="ulimit -n 200;")
    assert status == 0
    check(found, "descriptors", "warning", "200 a process", "ulimit -Hn 1024")


def test_napari_of_another_version(tmp_path):
    metadata = tmp_path / "napari-0.5.6.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: napari\nVersion: 0.5.6\n")
    status, found = examine(PYTHONPATH=str(tmp_path))
    assert status == 1
    what = "version 0.5.6 does not fit <0.10,>=0.9"
    check(found, "napari", "error", what, "pip install 'platecast[viewer]'")


def test_files_of_viewers_that_have_gone(runtime_dir):
    endpoint = Endpoint(
        version=1,
        port=5999,
        pid=2**22 + 1,
        start_time=1.0,
        instance="00" * 16,
        token="none",  # noqa: S106 -- of nobody
        handover="",
        title="gone",
        persistent=True,
    )
    write_endpoint(endpoint)
    orphan = runtime_dir / "5998-00112233.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(orphan))
    os.utime(orphan, (0, 0))
    broken = runtime_dir / "5997.json"
    broken.write_text("{")
    found = places()
    assert found["stale files"]["advice"] == f"rm '{broken}'"
    assert sorted(path.name for path in runtime_dir.iterdir()) == ["5997.json"]
    broken.unlink()
    write_endpoint(endpoint)
    check(places(), "stale files", "warning", "1 files of viewers that ended", "they were removed")
    assert list(runtime_dir.iterdir()) == []


def test_viewers_that_are_there(free_port):
    with viewer_on(free_port) as viewer:
        findings = {each.name: each for each in look_at_places(free_port, is_chosen=True)}
        assert "are those of your viewer 'test'" in findings["ports"].what
        assert (findings["viewers"].level, findings["viewers"].what) == (
            Level.OK,
            f"port {free_port}, starting",
        )
        viewer.receiver._sockets.answer = lambda *_: None  # as if it were stuck
        check(places(free_port), "viewers", "warning", "does not respond", f"platecast kill {free_port}")


FAULTS = {
    "a library of the plugin": (
        "qt.core.library: libqxcb.so (libxcb-icccm.so.4: cannot open shared object file: No such file)",
        "libraries are missing: libxcb-icccm.so.4",
        "apt-get install libxcb-icccm4",
    ),
    "a library of Qt itself": (
        "ImportError: libEGL.so.1: cannot open shared object file: No such file or directory",
        "libraries are missing: libEGL.so.1",
        "apt-get install libegl1",
    ),
    "no plugin at all": (
        'qt.qpa.plugin: Could not find the Qt platform plugin "xcb" in ""',
        "no platform plugin could be loaded",
        "reinstall PyQt6",
    ),
    "something else": ("first\nlast\n", "status 134: last", "--verbose"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_why_qt_did_not_open(name, monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    words, what, advice = FAULTS[name]
    finding = explain(134, words)
    assert finding.level is Level.ERROR
    assert what in finding.what
    assert advice in finding.advice


OPENGL = {
    "none": ("", "", Level.ERROR, "no context"),
    "too old": ("1.4 Mesa", "Intel", Level.ERROR, "older than 2.1"),
    "by software": ("4.5 Mesa", "llvmpipe", Level.OK, "by software"),
    "by a card": ("4.6.0 NVIDIA", "RTX", Level.OK, "4.6.0 NVIDIA (RTX)"),
}


@pytest.mark.parametrize("name", OPENGL)
def test_opengl(name):
    version, renderer, level, what = OPENGL[name]
    _, finding = judge({"qt": "6.8", "platform": "xcb", "opengl": version, "renderer": renderer})
    assert finding.level is level
    assert what in finding.what


VERSIONS = {
    ("0.9.2", "<0.10,>=0.9"): True,
    ("0.10.0", "<0.10,>=0.9"): False,
    ("0.9.0rc1", ">=0.9"): True,
    ("3.1.6", ">=3.1.6"): True,
    ("3.1.5.post1", ">=3.1.6"): False,
    ("2", "==2.0"): True,
    ("1.5", "!=1.5"): False,
    ("1.5", ""): True,
}


@pytest.mark.parametrize("case", VERSIONS, ids=" ".join)
def test_versions(case):
    assert fits(*case) is VERSIONS[case]
