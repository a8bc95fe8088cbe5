"""Processes that are killed, stopped, late or absent: nothing unaccounted, nobody blocked, nothing left."""

import json
import os
import signal
import socket
import time

import numpy as np
import psutil
import pytest

from platecast.config import NapariStreamingConfig
from platecast.errors import PortInUseError
from platecast.manager import find_or_start, find_viewer, list_viewers, quit_viewer
from platecast.stream import Stream
from platecast.wire import AVAILABLE, Ledger, read_endpoint
from tests.receiving import sums_match, viewer_on
from tests.waiting import wait_until

CALL_LIMIT_S = 0.5
"""Longest that a caller may be kept; a few milliseconds where the machine is idle."""
PLANE = np.zeros((512, 512), np.uint16)

by_descriptor = pytest.mark.skipif(not AVAILABLE, reason="counters are shared on Linux only")


def open_stream(port, **config):
    return Stream(config=NapariStreamingConfig(napari_port=port, **config), start_viewer=False)


def send_timed(stream, count, first=0):
    """Send planes; return the longest that one call took."""
    worst_s = 0.0
    for n in range(first, first + count):
        begin = time.perf_counter()
        stream.send(PLANE, well="A01", site=n)
        worst_s = max(worst_s, time.perf_counter() - begin)
    return worst_s


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

SEND_FOR_EVER = """
import itertools, sys, numpy
from platecast.stream import Stream
stream = Stream(int(sys.argv[1]), start_viewer=False)
for n in itertools.count():
    stream.send(numpy.full((512, 512), n % 60_000, "uint16"), well="A01", site=n)
"""


@by_descriptor
class TestSenderIsKilled:
    def test_loss_is_exact(self, free_port, start):
        with viewer_on(free_port, takes=False) as viewer:
            viewer.receiver._roster.window_bytes = 8 * PLANE.nbytes
            sender = start("-c", SEND_AND_WAIT, free_port, 50, 20 * PLANE.nbytes / 1e6)
            assert sender.stdout.readline() == "sent\n"
            wait_until(lambda: viewer.planes_waiting() == 8, "the window is full")
            sender.kill()
            sender.wait()
            viewer.show(viewer.take_all())
            wait_until(lambda: not viewer.status()["senders"], "the viewer sees that the sender is gone")
            ledger = viewer.ledger()
            assert ledger.counts() == Ledger(sent=50, shown=8, dropped=42).counts()
            assert ledger.drop_reasons.keys() <= {"no room", "sender ended"}
            assert sum(ledger.drop_reasons.values()) == 42
            assert ledger.drop_reasons["sender ended"] >= 20

    def test_no_plane_is_torn_and_nothing_is_left(self, free_port, start):
        descriptors = len(os.listdir("/proc/self/fd"))
        with viewer_on(free_port) as viewer:
            sender = start("-c", SEND_FOR_EVER, free_port)
            wait_until(lambda: len(viewer.planes) >= 50, "planes arrive")
            sender.kill()
            sender.wait()
            wait_until(lambda: not viewer.status()["senders"], "the viewer sees that the sender is gone")
            ledger = viewer.ledger()
            assert sums_match(ledger)
            assert ledger.shown == len(viewer.planes)
            assert ledger.pending == 0
            for arrival in viewer.planes:
                assert np.all(arrival.array == arrival.plane.components.site)
        sender.stdin.close()
        sender.stdout.close()
        wait_until(lambda: len(os.listdir("/proc/self/fd")) == descriptors, "no descriptor is left")


class TestViewerIsKilled:
    def test_caller_goes_on_and_the_next_viewer_takes_over(self, free_port, start_viewer, runtime_dir):
        stream = open_stream(free_port, budget_mb=20 * PLANE.nbytes / 1e6)
        first = start_viewer(free_port)
        send_timed(stream, 30)
        wait_until(lambda: stream.report().shown >= 10, "planes are shown")
        first.kill()
        first.wait()
        assert send_timed(stream, 60, 30) < CALL_LIMIT_S
        assert stream.report().dropped > 0
        start_viewer(free_port)
        ledger = stream.flush(20)
        assert (ledger.sent, ledger.pending) == (90, 0)
        assert sums_match(ledger)
        seen = find_viewer(free_port).ledger
        assert sums_match(seen)
        assert len(list(runtime_dir.iterdir())) == 2, "files of the killed viewer are left"

    def test_its_files_are_removed_by_whoever_looks_next(self, free_port, start_viewer, runtime_dir):
        viewer = start_viewer(free_port)
        viewer.kill()
        viewer.wait()
        assert len(list(runtime_dir.iterdir())) == 2
        assert list_viewers() == []
        assert list(runtime_dir.iterdir()) == []

    def test_again_and_again(self, free_port, start_viewer):
        stream = open_stream(free_port)
        for n in range(3):
            viewer = start_viewer(free_port)
            send_timed(stream, 20, 20 * n)
            wait_until(lambda: stream.report().shown > 0, "a plane is shown")
            viewer.kill()
            viewer.wait()
        start_viewer(free_port)
        ledger = stream.flush(20)
        assert sums_match(ledger)
        assert ledger == Ledger(sent=60, shown=60)


class TestViewerIsStopped:
    def test_caller_is_not_blocked_and_everything_is_settled_afterwards(self, free_port, start_viewer):
        stream = open_stream(free_port, budget_mb=20 * PLANE.nbytes / 1e6)
        viewer = start_viewer(free_port)
        send_timed(stream, 5)
        assert stream.flush(10).settled
        viewer.send_signal(signal.SIGSTOP)
        try:
            assert send_timed(stream, 2000, 5) < CALL_LIMIT_S
            assert find_viewer(free_port).state == "not responding"
        finally:
            viewer.send_signal(signal.SIGCONT)
        ledger = stream.flush(20)
        assert (ledger.sent, ledger.pending) == (2005, 0)
        assert sums_match(ledger)
        wait_until(lambda: find_viewer(free_port).ledger == ledger, "both sides agree")

    def test_it_is_never_taken_for_dead(self, free_port, start_viewer):
        viewer = start_viewer(free_port)
        viewer.send_signal(signal.SIGSTOP)
        try:
            assert find_or_start(free_port).pid == viewer.pid
        finally:
            viewer.send_signal(signal.SIGCONT)


NO_VIEWER = """
import json, sys, time, numpy
from platecast.config import NapariStreamingConfig
from platecast.stream import Stream
config = NapariStreamingConfig(napari_port=int(sys.argv[1]), budget_mb=5)
stream = Stream(config=config, start_viewer=False)
worst_s = 0
for n in range(200):
    begin = time.perf_counter()
    stream.send(numpy.zeros((512, 512), "uint16"), well="A01", site=n)
    worst_s = max(worst_s, time.perf_counter() - begin)
ledger = stream.close()
print(json.dumps([worst_s, ledger.sent, ledger.dropped, ledger.pending, time.time()]))
"""


class TestNoViewer:
    def test_pipeline_goes_on_and_ends_in_time(self, free_port, start):
        sender = start("-c", NO_VIEWER, free_port)
        output, _ = sender.communicate(timeout=30)
        ended = time.time()
        worst_s, sent, dropped, pending, last = json.loads(output)
        assert sender.returncode == 0
        assert worst_s < CALL_LIMIT_S
        assert (sent, pending) == (200, 9)
        assert dropped == sent - pending
        assert ended - last < 3, "the interpreter lingers"

    def test_stopped_viewer_keeps_nobody_from_ending(self, free_port, start, start_viewer):
        viewer = start_viewer(free_port)
        viewer.send_signal(signal.SIGSTOP)
        try:
            sender = start("-c", SEND_AND_WAIT, free_port, 10, 100)
            assert sender.stdout.readline() == "sent\n"
            begin = time.monotonic()
            sender.stdin.close()
            assert sender.wait(20) == 0
            assert time.monotonic() - begin < 10
        finally:
            viewer.send_signal(signal.SIGCONT)


OWN = """
import sys
from platecast.manager import find_or_start
endpoint = find_or_start(int(sys.argv[1]), persistent=False, virtual_screen=True)
print(endpoint.pid, flush=True)
sys.stdin.read()
"""


def family(pid):
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


class TestRealViewer:
    def test_owned_viewer_ends_with_its_owner(self, free_port, start, runtime_dir):
        owner = start("-c", OWN, free_port)
        pid = int(owner.stdout.readline())
        wait_until(lambda: find_viewer(free_port).state == "ready", "the window is there", 30)
        processes = family(pid)
        assert "Xvfb" in {process.name() for process in processes}
        assert not read_endpoint(free_port).persistent
        owner.kill()
        owner.wait()
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert alive == []
        assert list(runtime_dir.iterdir()) == []

    def test_killed_viewer_takes_its_screen_along_and_the_next_one_starts(self, free_port, runtime_dir):
        stream = open_stream(free_port)
        first = find_or_start(free_port, virtual_screen=True)
        wait_until(lambda: find_viewer(free_port).state == "ready", "the window is there", 30)
        send_timed(stream, 10)
        assert stream.flush(20) == Ledger(sent=10, shown=10)
        processes = family(first.pid)
        os.kill(first.pid, signal.SIGKILL)
        # At once, while the kernel still takes the killed process apart, whose sockets go last.
        second = find_or_start(free_port, virtual_screen=True)
        assert second.instance != first.instance
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert alive == []
        send_timed(stream, 10, 10)
        assert stream.flush(30) == Ledger(sent=20, shown=20)
        assert find_viewer(free_port).ledger == Ledger(sent=10, shown=10)
        processes = family(second.pid)
        quit_viewer(second, timeout_s=10)
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert alive == []
        assert list(runtime_dir.iterdir()) == []

    def test_port_of_something_else_is_left_alone(self, free_port):
        with socket.socket() as other:
            other.bind(("127.0.0.1", free_port + 1000))
            other.listen()
            with pytest.raises(PortInUseError, match=f"port {free_port + 1000} is taken by process"):
                find_or_start(free_port)
