"""Many processes that find or start the same viewer at the same moment: there must be one.

``python tests/torture/starters.py --processes 50 --rounds 3`` prints one JSON line a round; the exit status
says whether everybody got the same viewer, nobody started a second one, and nothing was left.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

_STARTER = """
import sys
from platecast.manager import find_or_start
print("ready", flush=True)
sys.stdin.readline()
print(find_or_start(int(sys.argv[1]), virtual_screen=True, timeout_s=60).instance, flush=True)
"""


def one_round(port: int, count: int) -> dict[str, object]:
    """Let `count` processes start a viewer; return what came of it."""
    from platecast.manager import kill_viewer
    from platecast.wire import list_endpoints

    starters = [
        subprocess.Popen(
            [sys.executable, "-c", _STARTER, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for starter in starters:
        starter.stdout.readline()
    begin = time.monotonic()
    for starter in starters:
        starter.stdin.write("go\n")
        starter.stdin.flush()
    answers = [starter.communicate(timeout=120)[0].strip() for starter in starters]
    seconds = round(time.monotonic() - begin, 1)
    endpoints = list_endpoints()
    processes = sum(
        "platecast.viewer" in (process.info["cmdline"] or []) and str(port) in process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
    )
    problems = []
    if set(answers) != {endpoint.instance for endpoint in endpoints}:
        problems.append(f"{len(set(answers))} answers for {len(endpoints)} viewers")
    if processes != 1:
        problems.append(f"{processes} viewer processes")
    for endpoint in endpoints:
        kill_viewer(endpoint)
    problems += [f"{path} is left" for path in Path(os.environ["PLATECAST_RUNTIME_DIR"]).iterdir()]
    return {"starters": count, "seconds": seconds, "problems": problems}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=5980)
    options = parser.parse_args()
    problems = 0
    with tempfile.TemporaryDirectory(prefix="pc-") as folder:
        os.environ["PLATECAST_RUNTIME_DIR"] = folder
        for _ in range(options.rounds):
            found = one_round(options.port, options.processes)
            print(json.dumps(found), flush=True)
            problems += len(found["problems"])
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
