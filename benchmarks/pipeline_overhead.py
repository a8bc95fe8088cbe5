"""What streaming costs a pipeline: its wall time with it beside that without, one JSON line a case.

The pipeline (the demonstration's, serial) is pinned to one core, the viewer and whoever kills and starts it
to another. The viewer is healthy, stopped (SIGSTOP) the whole time, or killed and started again every few
seconds. Three sorts of runs take turns, so that a machine that drifts does so for all: without a viewer,
beside one to which nothing is streamed, which tells what a neighbour on the other core costs a pipeline, and
with streaming. The noise is how far the runs without a viewer lie apart. Each run writes to a folder of its
own: where files were deleted shortly before, file systems take longer to make new ones.

Fields: `case`, `size` (pixels a side, uint16), `seconds_without`, `seconds_beside`, `seconds_with` (medians),
`overhead_percent` (with, by without), `beside_percent` (beside, by without), `noise_percent` (largest less
smallest run without, by their median), `cpu_percent` (overhead by the processor time of the pipeline's
process, which says less of what else the machine does), `planes` of the ledger of the last run with
streaming.
"""

import argparse
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platecast as pc
from platecast.demo import demo_pipeline, make_plate
from platecast.errors import PortInUseError
from platecast.manager import find_or_start, find_viewer, quit_viewer
from platecast.wire import check_ports

_PIPELINE_CORE = 0
_VIEWER_CORE = 1
_CASES = ("healthy", "stopped", "killed")


def run_here(plate: Path, output: Path, port: int) -> None:
    """Run the pipeline in this process, and print its seconds and its ledger; port 0: without streaming."""
    os.sched_setaffinity(0, {_PIPELINE_CORE})
    streaming = pc.NapariStreamingConfig(enabled=port > 0, napari_port=port or 5555)
    before = time.process_time()
    report = pc.run(demo_pipeline(1, pc.PipelineConfig(napari_streaming=streaming)), plate, output)
    cpu_seconds = time.process_time() - before
    states = ("sent", "shown", "superseded", "failed", "dropped", "pending")
    planes = {state: getattr(report, f"planes_{state}") for state in states}
    print(json.dumps({"seconds": report.seconds, "cpu_seconds": cpu_seconds, "planes": planes}))


def run_apart(plate: Path, output: Path, port: int) -> dict[str, Any]:
    """Run the pipeline in a process of its own."""
    command = [sys.executable, __file__, "--run", str(plate), str(output), str(port)]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def median(name: str, runs: list[dict[str, Any]]) -> float:
    """Return the median of what several runs say."""
    return float(statistics.median(run[name] for run in runs))


def start_pinned(port: int) -> int:
    """Start a viewer on the viewer's core; return its process id."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_VIEWER_CORE})
    try:
        return find_or_start(port, title="overhead").pid
    finally:
        os.sched_setaffinity(0, mine)


def is_taken(port: int) -> bool:
    """Say whether a port, or the one that goes with it, is taken."""
    try:
        check_ports(port)
    except PortInUseError:
        return True
    return False


@contextlib.contextmanager
def viewer(case: str, port: int, every_s: float) -> Iterator[None]:
    """Have a viewer that is healthy, stopped, or killed again and again."""
    pid = start_pinned(port)
    ended = threading.Event()
    while (info := find_viewer(port)) is None or info.state != "ready":
        ended.wait(0.1)

    def kill_again_and_again() -> None:
        os.sched_setaffinity(0, {_VIEWER_CORE})  # this thread's: looking for a viewer takes time, too
        victim = pid
        while not ended.wait(every_s):
            os.kill(victim, signal.SIGKILL)
            while find_viewer(port) is not None:
                ended.wait(0.01)
            # Its sockets are closed last: gigabytes of planes go first.
            while is_taken(port):
                ended.wait(0.01)
            victim = start_pinned(port)

    killer = threading.Thread(target=kill_again_and_again)
    if case == "killed":
        killer.start()
    elif case == "stopped":
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        ended.set()
        if case == "killed":
            killer.join()
        elif case == "stopped":
            os.kill(pid, signal.SIGCONT)
        while (info := find_viewer(port)) is not None and info.state != "ready":
            threading.Event().wait(0.1)
        if info is not None:
            quit_viewer(info.endpoint, timeout_s=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="length of one run without streaming")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each sort, each case")
    parser.add_argument("--size", type=int, default=512, help="pixels a side of the plate's images")
    parser.add_argument("--case", choices=_CASES, action="append", help="default: every case")
    parser.add_argument("--kill-every-s", type=float, default=8)
    parser.add_argument("--port", type=int, default=5970)
    parser.add_argument("--run", nargs=3, metavar=("PLATE", "OUTPUT", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run_here(Path(options.run[0]), Path(options.run[1]), int(options.run[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trial = run_apart(make_plate(folder / "trial", wells=2, size=options.size), folder / "out", 0)
        wells = max(int(2 * options.seconds / trial["seconds"]), 2)
        plate = make_plate(folder / "plate", wells=min(wells, 384), size=options.size)
        outputs = (folder / f"out{number}" for number in itertools.count())
        for case in options.case or _CASES:
            without, beside, with_ = [], [], []
            for _ in range(options.rounds):
                without.append(run_apart(plate, next(outputs), 0))
                with viewer(case, options.port, options.kill_every_s):
                    beside.append(run_apart(plate, next(outputs), 0))
                with viewer(case, options.port, options.kill_every_s):
                    with_.append(run_apart(plate, next(outputs), options.port))
            seconds = [run["seconds"] for run in without]
            base = statistics.median(seconds)
            line = {
                "case": case,
                "size": options.size,
                "seconds_without": round(base, 2),
                "seconds_beside": round(median("seconds", beside), 2),
                "seconds_with": round(median("seconds", with_), 2),
                "overhead_percent": round((median("seconds", with_) / base - 1) * 100, 2),
                "beside_percent": round((median("seconds", beside) / base - 1) * 100, 2),
                "noise_percent": round((max(seconds) - min(seconds)) / base * 100, 2),
                "cpu_percent": round(
                    (median("cpu_seconds", with_) / median("cpu_seconds", without) - 1) * 100, 2
                ),
                "planes": with_[-1]["planes"],
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
