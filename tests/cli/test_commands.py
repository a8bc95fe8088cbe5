"""What the commands say: help, version, and one line for every foreseen error."""

import json
import os
import socket
import subprocess
import sys

import msgspec
import pytest

from platecast import __version__
from platecast.wire import Ledger, write_endpoint
from tests.receiving import viewer_on


def unboxed(text):
    """Return a text without the box around it, whose sides break its lines."""
    return " ".join(text.replace("│", " ").split())


HELP = {
    "platecast": ((), ["demo", "start", "view", "ls", "quit", "--version"]),
    "demo": (("demo",), ["--plate", "--output", "--nuclei", "--workers", "--port", "--headless", "--keep"]),
    "start": (
        ("start",),
        ["--port", "5555, or the next free pair", "--title", "--on-screen", "where there is none"],
    ),
    "view": (("view",), ["Folder of a plate's images", "--port", "--headless"]),
    "ls": (("ls",), ["--json"]),
    "status": (("status",), ["the only viewer", "--follow", "--json"]),
    "send": (("send",), ["Image files", "--port", "--pattern", "--well", "--kind"]),
    "goto": (("goto",), ["--site", "--channel", "--z", "--time", "--port"]),
    "clear": (("clear",), ["--run", "--step", "--earlier-runs", "--port"]),
    "screenshot": (("screenshot",), ["--canvas-only", "--port"]),
    "doctor": (("doctor",), ["what to do about it", "--port", "--json"]),
    "kill": (("kill",), ["by force", "the only viewer"]),
    "manager": (("manager",), ["A plate to open at once"]),
    "quit": (("quit",), ["the only viewer", "--all"]),
}


@pytest.mark.parametrize(("command", "expected"), HELP.values(), ids=HELP)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(platecast, command, expected, option):
    done = platecast(*command, option)
    assert (done.status, done.errors) == (0, "")
    text = unboxed(done.out)
    assert [words for words in expected if words not in text] == []
    assert max(map(len, done.out.splitlines())) <= 100, "wider than a terminal"


def test_version(platecast):
    done = platecast("--version")
    assert (done.status, done.out) == (0, f"{__version__}\n")


def test_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "platecast", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_no_command_explains_itself(platecast):
    done = platecast()
    assert done.status == 2
    assert "Usage: platecast" in done.out + done.errors


def one_line(done, status=1):
    """Return the error of a command that failed as foreseen."""
    assert done.status == status, done
    assert done.errors.startswith("Error: ")
    assert done.errors.count("\n") == 1, done.errors
    return done.errors.strip()


WITHOUT_VIEWER = {
    "quit any": (("quit",), "no viewer"),
    "quit on a port": (("quit", "5999"), "no viewer on port 5999"),
    "kill": (("kill", "5999"), "no viewer on port 5999"),
    "status": (("status",), "no viewer"),
    "status, followed": (("status", "5999", "--follow"), "no viewer on port 5999"),
    "goto": (("goto", "A01"), "no viewer"),
    "clear": (("clear", "--port", "5999"), "no viewer on port 5999"),
    "screenshot": (("screenshot", "picture.png"), "no viewer"),
}


@pytest.mark.parametrize(("command", "message"), WITHOUT_VIEWER.values(), ids=WITHOUT_VIEWER)
def test_where_there_is_no_viewer_the_exit_status_says_so(platecast, command, message):
    assert message in one_line(platecast(*command), status=3)


def test_quit_all_where_there_is_no_viewer_has_nothing_to_do(platecast):
    done = platecast("quit", "--all")
    assert (done.status, done.out) == (0, "no viewer to close\n")


def test_several_viewers_are_told_apart(platecast, find_free_port):
    first, second = sorted((find_free_port(), find_free_port()))
    with viewer_on(first), viewer_on(second):
        assert f"there are viewers on ports {first}, {second}: name one" in one_line(
            platecast("quit"), status=3
        )
        assert f"there are viewers on {first}, {second}" in one_line(platecast("quit", "5999"), status=3)
        done = platecast("ls", "--json")
        assert [viewer["port"] for viewer in json.loads(done.out)] == [first, second]


def test_list_shows_state_and_account_but_no_secret(platecast, free_port):
    with viewer_on(free_port) as viewer:
        (listed,) = json.loads(platecast("ls", "--json").out)
        table = platecast("ls").out
        assert (listed["port"], listed["pid"], listed["title"]) == (free_port, viewer.endpoint.pid, "test")
        assert listed["ledger"] == msgspec.to_builtins(Ledger())
        assert {"sent", "shown", "pending", "dropped", "failed"} <= listed["ledger"].keys()
        assert viewer.endpoint.token not in json.dumps(listed) + table
    assert [name for name in ("port", "pid", "state", "pending") if name not in table] == []
    assert str(free_port) in table


def test_pipe_gets_whole_lines_of_tables(free_port):
    """Who reads them has no edge at which titles and numbers would have to give way."""
    title = "plate 2024-10-02 of the second screen, with a name as long as those of many plates"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with viewer_on(free_port) as viewer:
        write_endpoint(msgspec.structs.replace(viewer.endpoint, title=title))
        done = subprocess.run(
            [sys.executable, "-m", "platecast", "ls"], capture_output=True, text=True, env=environment
        )
    heads, line = done.stdout.splitlines()
    assert heads.split()[-2:] == ["memory", "pixels"]
    assert title in line


def test_list_of_no_viewers(platecast):
    assert json.loads(platecast("ls", "--json").out) == []
    assert "platecast start" in platecast("ls").out


FOLDER_NAMES = {
    "short": "plate",
    "longer than a terminal is wide": "a-plate-with-a-long-name-" * 5,
    "with what looks like markup": "[bold]plate[/x]",
}


@pytest.mark.parametrize("name", FOLDER_NAMES.values(), ids=FOLDER_NAMES)
def test_view_of_a_folder_without_images(platecast, tmp_path, name):
    folder = tmp_path.joinpath(*name.split("/"))
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("no image")
    assert f"no image whose name is known in {folder}" in one_line(platecast("view", folder))
    assert json.loads(platecast("ls", "--json").out) == [], "no window opens for nothing"


USAGE = {
    "no room for the control port": (("start", "--port", "64536"), "less than or equal to 64535"),
    "no workers": (("demo", "--workers", "0"), "'--workers'"),
    "an unknown command": (("show",), "No such command 'show'"),
    "nowhere to go": (("goto",), "say where to go"),
    "a picture of another format": (("screenshot", "picture.jpg"), "the name ends with .png"),
    "a file that is not there": (("send", "nowhere.tif"), "'nowhere.tif' does not exist"),
}


@pytest.mark.parametrize(("command", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage(platecast, command, message):
    done = platecast(*command)
    assert done.status == 2
    assert message in unboxed(done.errors)


STRANGER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("listening", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def stranger():
    """Start a process that listens on a port and is no viewer; return it."""
    processes = []

    def listen(port):
        process = subprocess.Popen(
            [sys.executable, "-c", STRANGER, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "listening\n"
        return process

    yield listen
    for process in processes:
        process.communicate()


@pytest.mark.parametrize("offset", [0, 1000], ids=["data port", "control port"])
@pytest.mark.parametrize("command", ["start", "demo"])
def test_port_of_a_stranger_is_left_to_it(platecast, stranger, free_port, tmp_path, command, offset):
    taken = free_port + offset
    owner = stranger(taken)
    options = ("--output", tmp_path) if command == "demo" else ()
    message = one_line(platecast(command, "--headless", "--port", free_port, *options))
    assert f"port {taken} is taken by process {owner.pid} (" in message
    assert owner.poll() is None
    socket.create_connection(("127.0.0.1", taken)).close()
