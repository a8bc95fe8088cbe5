"""A sender that times every call beside a bare memcpy of the same plane.

``python tests/torture/sender.py PORT COUNT`` sends its planes, waits until all are settled, and prints a JSON
line: its ledger, the longest call and the longest copy in ms, and by how much the longest loop of copies,
each meant to last as long as a call, was longer than that: what the machine does to anybody.
"""

import json
import sys
import time

import numpy as np

from platecast.config import NapariStreamingConfig
from platecast.stream import Stream

_SIZES = ((512, 512), (700, 512), (100, 100))
_PAUSE_S = 0.002


def main(port: int, count: int) -> None:
    """Send, wait, report."""
    config = NapariStreamingConfig(napari_port=port, budget_mb=24)
    stream = Stream(config=config, start_viewer=False)
    targets = [np.zeros(size, np.uint16) for size in _SIZES]
    calls, copies, delays = [], [], []
    for number in range(count):
        kind = number % len(_SIZES)
        plane = np.full(_SIZES[kind], number % 60_000, np.uint16)
        begin = time.perf_counter()
        np.copyto(targets[kind], plane)
        copied = time.perf_counter()
        stream.send(plane, well="A01", site=number % 60_000)
        called = time.perf_counter()
        calls.append(called - copied)
        copies.append(copied - begin)
        # As long as a call usually takes, so that the machine has the same chance to come in between.
        usual = sorted(calls)[len(calls) // 2]
        while time.perf_counter() - called < usual:
            np.copyto(targets[kind], plane)
        delays.append(time.perf_counter() - called - usual)
        time.sleep(_PAUSE_S)
    print("sent", flush=True)
    ledger = stream.flush(60)
    times = {
        "call_ms_max": max(calls) * 1e3,
        "copy_ms_max": max(copies) * 1e3,
        "delay_ms_max": max(delays) * 1e3,
    }
    print(json.dumps({**ledger.counts(), **times}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
