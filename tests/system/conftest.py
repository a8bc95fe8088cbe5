"""Real processes, ended with the test that started them."""

import subprocess
import sys
from pathlib import Path

import pytest

from platecast.manager import find_viewer, list_viewers, quit_viewer
from platecast.wire import read_endpoint
from tests.sending import end_links
from tests.waiting import wait_until

VIEWER = Path(__file__).parents[1] / "viewer_process.py"


@pytest.fixture(autouse=True)
def _links_end(runtime_dir):
    yield
    end_links()


@pytest.fixture
def start(runtime_dir):
    """Start Python with a script; its standard input and output are pipes of text."""
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def start_viewer(start):
    """Start a viewer without a window in a process of its own."""

    viewers = []

    def start_viewer(port):
        viewers.append(start(VIEWER, port))
        wait_until(lambda: read_endpoint(port), "the viewer listens", 20)
        return viewers[-1]

    yield start_viewer
    for viewer in viewers:
        viewer.stdin.close()
        viewer.wait(10)


@pytest.fixture
def quit_viewers(runtime_dir):
    """Quit, at the end, every viewer that the test left behind on purpose."""
    yield
    for viewer in list_viewers():
        port = viewer.endpoint.port
        wait_until(lambda: find_viewer(port).state == "ready", "the window is there", 30)  # noqa: B023
        quit_viewer(viewer.endpoint, timeout_s=10)
