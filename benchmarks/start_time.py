"""How long a viewer takes to start, beside bare napari on the same screen; prints one JSON line.

``listening`` is when planes are taken, ``ready`` when the window is there and its loop turns, ``napari`` the
same of a bare napari window that was started in the same way. Run it under a screen (``xvfb-run``). The goal:
ready in at most 3.2 s where bare napari takes about 2.8 s.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from platecast.manager import kill_viewer, start_viewer, wait_ready

BARE_NAPARI = """
import napari
from qtpy.QtCore import QTimer
viewer = napari.Viewer()
QTimer.singleShot(0, lambda: print("ready", flush=True))
napari.run()
"""


def napari_ms() -> float:
    """Return how long a bare napari window takes from its process's start to its loop's first turn."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", BARE_NAPARI], stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError("napari did not start")
        taken_ms = (time.perf_counter() - begin) * 1000
        process.kill()
    return taken_ms


def platecast_ms(port: int) -> tuple[float, float]:
    """Return how long a viewer takes until it listens and until it is ready."""
    begin = time.perf_counter()
    endpoint = start_viewer(port, or_next=True, virtual_screen=False)
    listening_ms = (time.perf_counter() - begin) * 1000
    wait_ready(endpoint, 60)
    ready_ms = (time.perf_counter() - begin) * 1000
    kill_viewer(endpoint)
    return listening_ms, ready_ms


def main() -> None:
    """Measure in turns, so that a slow moment of the machine falls on all alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--port", type=int, default=5800)
    options = parser.parse_args()
    times_ms: dict[str, list[float]] = {"napari": [], "listening": [], "ready": []}
    with tempfile.TemporaryDirectory(prefix="pc-") as folder:
        os.environ["PLATECAST_RUNTIME_DIR"] = folder
        for turn in range(options.repeats + 1):
            bare_ms = napari_ms()
            listening_ms, ready_ms = platecast_ms(options.port)
            if turn:  # the first one compiles modules and warms the disk cache
                for name, value in (("napari", bare_ms), ("listening", listening_ms), ("ready", ready_ms)):
                    times_ms[name].append(value)
    median_ms = {name: statistics.median(values) for name, values in times_ms.items()}
    result = {
        "benchmark": "start_time",
        "repeats": options.repeats,
        "median_ms": {name: round(value) for name, value in median_ms.items()},
        "over_napari_ms": round(median_ms["ready"] - median_ms["napari"]),
        "goal_ready_ms": 3200,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
