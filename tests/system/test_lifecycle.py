"""How sending processes begin, multiply and end, with real processes: everything is accounted for."""

import json
import multiprocessing
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from platecast.wire import Ledger
from tests.receiving import sums_match, viewer_on
from tests.waiting import wait_until

FAMILY = Path(__file__).parents[1] / "family_of_senders.py"
CHILDREN, PLANES = 2, 20
METHODS = multiprocessing.get_all_start_methods()


@pytest.mark.parametrize("method", METHODS)
def test_parent_and_children_send_side_by_side_through_links_of_their_own(method, free_port, start):
    with viewer_on(free_port) as viewer:
        family = start(FAMILY, free_port, method, CHILDREN)
        pids = json.loads(family.stdout.readline())
        assert len(set(pids)) == CHILDREN + 1
        assert {sender["pid"] for sender in viewer.status()["senders"]} == set(pids)
        assert len(viewer.status()["senders"]) == CHILDREN + 1, "a socket that is shared would be one"
        family.stdin.write("end\n")
        family.stdin.flush()
        *accounts, codes = json.loads(family.stdout.readline())
        assert family.wait(20) == 0
        assert codes == [0] * CHILDREN
        shown = [3 * PLANES, PLANES, PLANES]
        assert accounts == [Ledger(sent=count, shown=count).counts() for count in shown]
        wait_until(lambda: not viewer.status()["senders"], "all have left")
        assert viewer.ledger() == Ledger(sent=sum(shown), shown=sum(shown))
        places = [(a.plane.components.timepoint, a.plane.components.site) for a in viewer.planes]
        assert sorted(places) == [(who, n) for who in range(CHILDREN + 3) for n in range(PLANES)]
        for arrival in viewer.planes:
            components = arrival.plane.components
            assert np.all(arrival.array == 100 * components.timepoint + components.site)


SEND_UNTIL_INTERRUPTED = """
import itertools, logging, sys, numpy
from platecast.config import NapariStreamingConfig
from platecast.stream import Stream
config = NapariStreamingConfig(
    napari_port=int(sys.argv[1]), when_full=sys.argv[2], budget_mb=5, block_timeout_s=600
)
plane = numpy.zeros((512, 512), "uint16")
with Stream(config=config, start_viewer=False) as stream:
    for n in itertools.count():
        stream.send(plane, well="A01", site=n)
        if n == 5:
            print("sending", flush=True)
"""
EXIT_LIMIT_S = 8.0
"""What a process may take that was interrupted: its exit waits five seconds for a viewer that answers."""


@pytest.fixture
def interrupt(runtime_dir):
    """Interrupt a sender once `when` returns; return its exit code, its last words and how long it took."""

    def interrupt(port, policy, when):
        command = [sys.executable, "-c", SEND_UNTIL_INTERRUPTED, str(port), policy]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stdout.readline() == "sending\n"
            when()
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
            return process.returncode, said, time.monotonic() - begin
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    return interrupt


class TestInterrupted:
    @pytest.mark.parametrize("policy", ["drop_oldest", "block", "spill"])
    def test_ends_in_bounded_time_and_says_what_was_left(self, policy, free_port, interrupt):
        with viewer_on(free_port, takes=False) as viewer:
            viewer.receiver._roster.window_bytes = 4 << 20
            queued = lambda: viewer.status()["queued"] >= 8  # noqa: E731
            code, said, seconds = interrupt(
                free_port, policy, lambda: wait_until(queued, "the window is full")
            )
            assert (code, "KeyboardInterrupt" in said) == (-signal.SIGINT, True)
            assert seconds < EXIT_LIMIT_S
            (left,) = re.findall(r"(\d+) planes were not shown: the viewer on port", said)
            assert int(left) >= 8
            viewer.show(viewer.take_all())
            wait_until(lambda: not viewer.status()["senders"], "the sender has left")
            ledger = viewer.ledger()
            assert sums_match(ledger)
            assert ledger.pending == 0
            assert ledger.shown == 8
            assert ledger.drop_reasons["sender ended"] == int(left) - 8

    def test_does_not_wait_where_nobody_answers(self, free_port, interrupt):
        code, said, seconds = interrupt(free_port, "drop_oldest", lambda: None)
        assert code == -signal.SIGINT
        assert seconds < 5, "it waited for a viewer that is not there"
        assert "planes were not shown" in said

    def test_says_nothing_where_everything_was_shown(self, free_port, interrupt):
        with viewer_on(free_port) as viewer:
            _, said, seconds = interrupt(
                free_port, "drop_newest", lambda: wait_until(lambda: len(viewer.planes) > 50, "planes arrive")
            )
            assert seconds < EXIT_LIMIT_S
            assert "planes were not shown" not in said
            wait_until(lambda: not viewer.status()["senders"], "the sender has left")
            assert sums_match(viewer.ledger())
            assert viewer.ledger().pending == 0


SEND_TO_TWO = """
import json, sys, numpy
from platecast.stream import Stream
streams = [Stream(int(port), start_viewer=False) for port in sys.argv[1:]]
for n in range(40):
    for number, stream in enumerate(streams):
        stream.send(numpy.full((512, 512), 100 * number + n, "uint16"), well="A01", site=n)
print(json.dumps([stream.flush(20).counts() for stream in streams]))
"""


def test_one_sender_feeds_two_viewers(find_free_port, start):
    ports = find_free_port(), find_free_port()
    with viewer_on(ports[0]) as one, viewer_on(ports[1]) as other:
        sender = start("-c", SEND_TO_TWO, *ports)
        output, _ = sender.communicate(timeout=40)
        assert json.loads(output) == [Ledger(sent=40, shown=40).counts()] * 2
        for number, viewer in enumerate((one, other)):
            assert viewer.ledger() == Ledger(sent=40, shown=40)
            assert all(np.all(a.array == 100 * number + a.plane.components.site) for a in viewer.planes)
