"""Which port a command takes when none is named."""

import contextlib
import re
import socket

import pytest

from platecast.config import CONTROL_PORT_OFFSET, DEFAULT_PORT
from tests.terminal import Terminal

pytest.importorskip("napari", reason="needs the extra 'viewer'")


@pytest.fixture
def default_port_is_taken():
    """Have somebody on the default port: us, or whoever is there already."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", DEFAULT_PORT)))
        yield


@pytest.mark.usefixtures("default_port_is_taken")
def test_next_free_pair_is_used_and_said():
    with Terminal() as terminal:
        done = terminal.platecast("start", "--headless")
        assert done.returncode == 0, done.stderr
        said = re.fullmatch(r"viewer started: port (\d+), process (\d+)\n", done.stdout)
        (window,) = terminal.windows()
        port = window.endpoint.port
        assert said is not None, done.stdout
        assert [int(number) for number in said.groups()] == [port, window.endpoint.pid]
        assert port > DEFAULT_PORT
        for each in (port, port + CONTROL_PORT_OFFSET):
            socket.create_connection(("127.0.0.1", each)).close()

        again = terminal.platecast("start", "--headless", "--port", port)
        assert again.stdout == done.stdout.replace("started", "is there already")
        done = terminal.platecast("quit")
        assert (done.returncode, done.stdout) == (0, f"viewer on port {port} is closed\n")
        assert terminal.files_left() == []
