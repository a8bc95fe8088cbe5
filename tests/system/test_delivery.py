"""Planes on their way between real processes; a real napari viewer where what it shows matters."""

import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import psutil
import pytest

from platecast.manager import find_or_start, find_viewer, quit_viewer
from platecast.stream import Stream
from platecast.wire import AVAILABLE, RUNTIME_DIR_VARIABLE, Ledger, ask
from tests.receiving import viewer_on
from tests.waiting import wait_until

SEND = """
import sys, numpy, json
from platecast.stream import Stream
port, first, count = map(int, sys.argv[1:])
with Stream(port, start_viewer=False, run="test") as stream:
    for n in range(first, first + count):
        shape = (512, 512) if n % 3 else (20, 30)
        stream.send(numpy.full(shape, n, "uint16"), well="A01", site=n, channel=f"{shape[0]} rows")
    ledger = stream.flush(20)
print(json.dumps(ledger.counts()))
"""

START = """
import sys
from platecast.manager import find_or_start
print(find_or_start(int(sys.argv[1]), virtual_screen=True).pid)
"""

ONE_IMAGE = """
import sys, numpy
from platecast import send
send(numpy.full((300, 300), 7, "uint16"), port=int(sys.argv[1]), well="B02", channel="DAPI")
"""


@pytest.fixture(scope="module")
def napari(find_free_port):
    """A real viewer for this module, in the session's runtime directory."""
    with pytest.MonkeyPatch.context() as patch:
        folder = Path(os.environ[RUNTIME_DIR_VARIABLE]).parent / "run"
        patch.setenv(RUNTIME_DIR_VARIABLE, str(folder))
        endpoint = find_or_start(find_free_port(), virtual_screen=True)
        yield endpoint, folder
        wait_until(lambda: find_viewer(endpoint.port).state == "ready", "the window is there", 30)
        quit_viewer(endpoint, timeout_s=10)


@pytest.fixture
def viewer(napari, monkeypatch, runtime_dir):
    endpoint, folder = napari
    monkeypatch.setenv(RUNTIME_DIR_VARIABLE, str(folder))
    wait_until(lambda: find_viewer(endpoint.port).state == "ready", "the window is there", 30)
    return endpoint


def result(process):
    output, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    return output


def test_what_processes_send_is_what_the_window_shows(viewer, start):
    before = find_viewer(viewer.port).ledger
    senders = [start("-c", SEND, viewer.port, first, 40) for first in (0, 40, 80)]
    ledgers = [Ledger(**json.loads(result(sender))) for sender in senders]
    assert ledgers == [Ledger(sent=40, shown=40)] * 3
    assert find_viewer(viewer.port).ledger == before + sum(ledgers, Ledger())

    def read(channel, site):
        layer = next(layer for layer in layers if layer["sliced"] == {"channel": channel})
        answer, (pixels,) = ask(
            viewer.port, "read", token=viewer.token, layer=layer["name"], well="A01", site=site
        )
        return np.frombuffer(pixels, answer["dtype"]).reshape(answer["shape"])

    layers = ask(viewer.port, "layers", token=viewer.token)[0]["layers"]
    for site in (0, 1, 41, 119):
        plane = read("512 rows" if site % 3 else "20 rows", site)
        assert plane.shape == ((512, 512) if site % 3 else (20, 30))
        assert np.all(plane == site)


def test_script_that_sends_one_image_and_ends_has_started_a_viewer_that_shows_it(
    free_port, start, quit_viewers
):
    result(start("-c", ONE_IMAGE, free_port))
    viewer = find_viewer(free_port)
    assert viewer is not None
    wait_until(lambda: find_viewer(free_port).ledger == Ledger(sent=1, shown=1), "the image is shown", 30)


def test_many_processes_that_start_a_viewer_at_once_start_one(free_port, start, quit_viewers):
    starters = [start("-c", START, free_port) for _ in range(4)]
    pids = {int(result(starter)) for starter in starters}
    assert pids == {find_viewer(free_port).endpoint.pid}
    viewers = [process for process in psutil.process_iter() if str(free_port) in _command(process)]
    assert {process.pid for process in viewers} == pids


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.skipif(not AVAILABLE, reason="there is no fork, or it is unsafe")
class TestFork:
    def test_forked_child_has_a_link_of_its_own(self, free_port):
        with viewer_on(free_port) as viewer:
            stream = Stream(free_port, start_viewer=False)
            stream.send(np.zeros((8, 8), np.uint8), well="A01", timepoint=0)
            stream.flush(5)
            context = multiprocessing.get_context("fork")
            children = [context.Process(target=_send, args=(stream, n)) for n in (1, 2)]
            for child in children:
                child.start()
            stream.send(np.zeros((8, 8), np.uint8), well="A01", timepoint=3)
            for child in children:
                child.join(20)
                assert child.exitcode == 0
                child.close()
            assert stream.flush(5) == Ledger(sent=2, shown=2)
            wait_until(lambda: viewer.ledger() == Ledger(sent=42, shown=42), "everything is shown")
            assert {arrival.plane.components.timepoint for arrival in viewer.planes} == {0, 1, 2, 3}

    def test_forked_child_does_not_hide_that_its_parent_was_killed(self, free_port, start):
        with viewer_on(free_port) as viewer:
            parent = start("-c", FORKING, free_port)
            wait_until(lambda: viewer.planes, "the parent has sent")
            child = int(parent.stdout.readline())
            parent.kill()
            parent.wait()
            wait_until(lambda: not viewer.status()["senders"], "the viewer sees that the parent is gone")
            assert psutil.pid_exists(child)
            parent.stdin.close()


FORKING = """
import os, sys, numpy
from platecast.stream import Stream
stream = Stream(int(sys.argv[1]), start_viewer=False)
stream.send(numpy.zeros((600, 600)), well="A01")
assert stream.flush(10).settled
child = os.fork()
if child:
    print(child, flush=True)
sys.stdin.read()
os._exit(0)
"""


def _send(stream, timepoint):
    for _ in range(20):
        stream.send(np.zeros((300, 300), np.uint16), well="A01", timepoint=timepoint)
    assert stream.close() == Ledger(sent=20, shown=20)
