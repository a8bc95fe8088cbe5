"""A short form of `make torture`."""

import importlib
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from platecast.wire import MemfdSegment

TORTURE = Path(__file__).parents[1] / "torture"


@pytest.mark.skipif(sys.platform != "linux", reason="plane memory is passed by descriptor on Linux only")
@pytest.mark.parametrize("seed", [1, 2])
def test_random_kills_leave_nothing_and_no_plane_unaccounted(free_port, seed):
    command = [sys.executable, TORTURE / "torture.py", "--kills", 6, "--seed", seed, "--port", free_port]
    finished = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, timeout=110)
    rounds = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [one.get("problems") for one in rounds[:-1]] == [[]]
    assert rounds[-1]["total"] == 6
    assert finished.returncode == 0, rounds[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="plane memory is passed by descriptor on Linux only")
def test_memory_that_nobody_holds_is_told_from_that_of_others(monkeypatch):
    """What the torture takes for a leak is one, however much memory others use at the same time."""
    monkeypatch.syspath_prepend(str(TORTURE))
    shared_memory = importlib.import_module("shared_memory")
    before_kb = shared_memory.unowned_kb()
    held = MemfdSegment(64 << 20)
    held.allocate()
    assert shared_memory.grown_kb(before_kb) <= shared_memory.ALLOWED_KB
    near, far = socket.socketpair(socket.AF_UNIX)
    socket.send_fds(near, [b"x"], [held.fd])
    held.close()
    assert shared_memory.grown_kb(before_kb, patience_s=0) > 60 << 10
    for end in (near, far):
        end.close()
    assert shared_memory.grown_kb(before_kb) <= shared_memory.ALLOWED_KB


def test_malformed_messages_are_refused_and_the_viewer_lives(free_port):
    command = [sys.executable, TORTURE / "malformed.py", "--count", 5000, "--port", free_port]
    finished = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, timeout=60)
    assert finished.returncode == 0, finished.stdout
    report = json.loads(finished.stdout)
    assert report["ledger"]["shown"] == 0
    assert report["refused"] > 4500
