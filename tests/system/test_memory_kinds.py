"""Plane memory of every kind between real processes: killed senders, systems that lack what Linux has."""

import json
import os
import signal

import numpy as np
import pytest

from platecast.manager import find_or_start, find_viewer, quit_viewer
from platecast.stream import Stream
from platecast.wire import AVAILABLE, MEMORY_VARIABLE, Ledger, ask
from tests.receiving import viewer_on
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="every kind is tested where there is memfd, too")

SHAPE = (512, 512)
NBYTES = 512 * 512 * 2

SEND_AND_WAIT = """
import sys, numpy
from platecast.config import NapariStreamingConfig
from platecast.stream import Stream
port, count, budget_mb = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
stream = Stream(config=NapariStreamingConfig(napari_port=port, budget_mb=budget_mb), start_viewer=False)
for n in range(count):
    stream.send(numpy.full((512, 512), n, "uint16"), well="A01", site=n)
print("sent", flush=True)
sys.stdin.read()
"""


def shared_blocks():
    return {name for name in os.listdir("/dev/shm") if name.startswith("pc")}  # noqa: S108


@pytest.mark.parametrize("kind", ["memfd", "named"])
def test_loss_of_a_killed_sender_is_exact_and_its_memory_goes(
    kind, free_port, start, monkeypatch, runtime_dir
):
    monkeypatch.setenv(MEMORY_VARIABLE, kind)
    with viewer_on(free_port, takes=False) as viewer:
        viewer.receiver._roster.window_bytes = 8 * NBYTES
        sender = start("-c", SEND_AND_WAIT, free_port, 50, 20 * NBYTES / 1e6)
        assert sender.stdout.readline() == "sent\n"
        wait_until(lambda: viewer.planes_waiting() == 8, "the window is full")
        assert bool(shared_blocks()) is (kind == "named")
        sender.send_signal(signal.SIGKILL)
        sender.wait()
        arrivals = viewer.take_all()
        viewer.show(arrivals)
        wait_until(lambda: not viewer.status()["senders"], "the viewer sees that the sender is gone")
        ledger = viewer.ledger()
        assert (ledger.sent, ledger.shown, ledger.dropped, ledger.pending) == (50, 8, 42, 0)
        assert shared_blocks() == set()
        assert not list(runtime_dir.glob("*.blocks"))
        for arrival in arrivals:
            assert np.all(arrival.array == arrival.plane.components.site)


def test_sender_whose_pixels_are_in_messages_is_missed_at_once_when_it_is_killed(
    free_port, start, monkeypatch
):
    monkeypatch.setenv(MEMORY_VARIABLE, "inline")
    with viewer_on(free_port) as viewer:
        sender = start("-c", SEND_AND_WAIT, free_port, 10, 100)
        assert sender.stdout.readline() == "sent\n"
        wait_until(lambda: viewer.ledger() == Ledger(sent=10, shown=10), "everything is shown")
        sender.kill()
        sender.wait()
        wait_until(lambda: not viewer.status()["senders"], "the viewer sees that the sender is gone", 5)
        assert viewer.ledger() == Ledger(sent=10, shown=10)


@pytest.mark.parametrize("kind", ["named", "inline"])
def test_a_real_viewer_shows_what_was_sent(kind, free_port, monkeypatch):
    """Of memfd the other tests of real viewers tell."""
    monkeypatch.setenv(MEMORY_VARIABLE, kind)
    endpoint = find_or_start(free_port, virtual_screen=True)
    try:
        with Stream(free_port, start_viewer=False) as stream:
            for n in range(60):
                shape = SHAPE if n % 3 else (20, 30)
                stream.send(np.full(shape, n, np.uint16), well="A01", site=n, channel=f"{shape[0]} rows")
            wait_until(lambda: find_viewer(free_port).state == "ready", "the window is there", 30)
            assert stream.flush(20) == Ledger(sent=60, shown=60)
            status = find_viewer(free_port).status
            assert [sender.memory for sender in status.senders] == [kind]
        layers = {
            layer["sliced"]["channel"]: layer["name"]
            for layer in ask(free_port, "layers", token=endpoint.token)[0]["layers"]
        }
        for site in (0, 1, 59):
            layer = layers["512 rows" if site % 3 else "20 rows"]
            answer, (pixels,) = ask(
                free_port, "read", token=endpoint.token, layer=layer, well="A01", site=site
            )
            plane = np.frombuffer(pixels, answer["dtype"]).reshape(answer["shape"])
            assert plane.shape == (SHAPE if site % 3 else (20, 30))
            assert np.all(plane == site)
    finally:
        wait_until(lambda: find_viewer(free_port).state == "ready", "the window is there", 30)
        quit_viewer(endpoint, timeout_s=10)


WITHOUT_POSIX = """
import json, os, socket, sys
# They have other ways where these are missing, and are none of our business.
import asyncio, multiprocessing.managers, numpy, psutil, tempfile, typer, zmq

class Missing:
    # What other systems lack: these modules cannot be imported, these functions are not there.
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource"):
            raise ModuleNotFoundError(name, name=name)

for name in ("fcntl", "resource"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in ("memfd_create", "pipe2", "posix_fallocate", "pread", "pwrite", "preadv", "O_CLOEXEC"):
    delattr(os, name)
for name in ("SO_PEERCRED", "AF_UNIX", "SCM_RIGHTS"):
    delattr(socket, name)

import platecast
from platecast.config import NapariStreamingConfig
from platecast.wire import AVAILABLE, memory_kind
import platecast.manager, platecast.storage, platecast.pipeline, platecast.viewer, platecast.cli
assert not AVAILABLE
config = NapariStreamingConfig(napari_port=int(sys.argv[1]), when_full="spill", budget_mb=2)
with platecast.Stream(config=config, start_viewer=False) as stream:
    for n in range(40):
        stream.send(numpy.full((512, 512), n, "uint16"), well="A01", site=n)
    ledger = stream.flush(20)
print(json.dumps([memory_kind(), ledger.counts()]))
"""


@pytest.mark.parametrize("kind", ["inline", "named"])
def test_process_without_what_only_linux_has_imports_and_streams(kind, free_port, start, monkeypatch):
    with viewer_on(free_port) as viewer:
        if kind == "named":
            monkeypatch.setenv(MEMORY_VARIABLE, kind)
        sender = start("-c", WITHOUT_POSIX, free_port)
        output, _ = sender.communicate(timeout=60)
        assert sender.returncode == 0
        assert json.loads(output) == [kind, Ledger(sent=40, shown=40).counts()]
        assert all(np.all(a.array == a.plane.components.site) for a in viewer.planes)
