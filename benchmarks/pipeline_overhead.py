"""What streaming costs a pipeline: its wall time with it beside that without, one JSON line a case.

The pipeline (the demonstration's, serial) is pinned to one core, the viewer to another. The viewer is
healthy, stopped (SIGSTOP) the whole time, or killed and started again every few seconds. Runs with and
without streaming alternate, so that a machine that drifts does so for both; the noise is how far runs without
streaming lie apart.

Fields: `case`, `size` (pixels a side, uint16), `seconds_without`, `seconds_with` (medians),
`overhead_percent`, `noise_percent` (largest less smallest run without streaming, by their median),
`cpu_percent` (the same overhead by the processor time of the pipeline's process, which says less of what else
the machine does), `planes` of the ledger of the last run with streaming.
"""

import argparse
import contextlib
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
    parser.add_argument("--pairs", type=int, default=3, help="runs with and without, each case")
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
        for case in options.case or _CASES:
            without, with_ = [], []
            cpu_without, cpu_with = [], []
            planes: dict[str, int] = {}
            for _ in range(options.pairs):
                alone = run_apart(plate, folder / "out", 0)
                without.append(alone["seconds"])
                cpu_without.append(alone["cpu_seconds"])
                with viewer(case, options.port, options.kill_every_s):
                    found = run_apart(plate, folder / "out", options.port)
                with_.append(found["seconds"])
                cpu_with.append(found["cpu_seconds"])
                planes = found["planes"]
            base = statistics.median(without)
            line = {
                "case": case,
                "size": options.size,
                "seconds_without": round(base, 2),
                "seconds_with": round(statistics.median(with_), 2),
                "overhead_percent": round((statistics.median(with_) / base - 1) * 100, 2),
                "noise_percent": round((max(without) - min(without)) / base * 100, 2),
                "cpu_percent": round(
                    (statistics.median(cpu_with) / statistics.median(cpu_without) - 1) * 100, 2
                ),
                "planes": planes,
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
