"""`platecast view` of a whole plate: 384 wells, 9 sites, 8 channels, 27,648 files of 256².

Real processes on a virtual screen. The files are links to a few images, so that the plate takes little disk;
each is opened as one of its own. Goals: the first plane is on screen at most 2 s after the window is up;
going to another well never keeps the window deaf for long. Prints one JSON line.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import tifffile

from platecast.manager import find_viewer, quit_viewer
from platecast.wire import Endpoint, ask, read_endpoint

T = TypeVar("T")

PORT = 6155
SITES, CHANNELS, COLUMNS, SIDE = 9, 8, 24, 256
PLACES = 40
_TIMEOUT_S = 110.0


def make_plate(folder: Path, wells: int) -> int:
    rng = np.random.default_rng(0)
    originals = []
    for number in range(32):
        image = rng.poisson(200 + 20 * number, (SIDE, SIDE)).astype("uint16")
        originals.append(folder.parent / f"{number}.tif")
        tifffile.imwrite(originals[-1], image, photometric="minisblack", metadata=None)
    count = 0
    for well in range(wells):
        row, column = divmod(well, COLUMNS)
        for site in range(1, SITES + 1):
            for channel in range(1, CHANNELS + 1):
                name = f"P1_{chr(65 + row)}{column + 1:02d}_s{site}_w{channel}.TIF"
                os.link(originals[count % len(originals)], folder / name)
                count += 1
    return count


def wait_for(condition: Callable[[], T], what: str, deadline_s: float) -> T:
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(what)
        time.sleep(0.01)
    return value


def shown() -> int:
    """Return how many planes are in layers; asked of the receiver, which does not queue behind planes."""
    info = find_viewer(PORT)
    return 0 if info is None or info.ledger is None else info.ledger.shown


def measure(folder: Path, files: int, wells: int) -> dict[str, object]:
    began_s = time.monotonic()
    deadline_s = began_s + _TIMEOUT_S
    command = [sys.executable, "-m", "platecast", "view", str(folder), "--port", str(PORT), "--headless"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        endpoint = wait_for(lambda: read_endpoint(PORT), "a viewer", deadline_s)
        assert endpoint is not None
        listening_s = time.monotonic()

        def state() -> str:
            info = find_viewer(PORT)
            return "" if info is None else info.state

        wait_for(lambda: state() not in ("", "starting", "not responding"), "its window", deadline_s)
        up_s = time.monotonic()
        wait_for(shown, "the first plane", deadline_s)
        first_s = time.monotonic()
        said, errors = process.communicate(timeout=_TIMEOUT_S)
        assert process.returncode == 0, errors
        assert f"{files} of {files} images are shown" in said, said
        all_s = time.monotonic()
    try:
        steps = go_around(endpoint, wells)
        info = find_viewer(PORT)
        assert info is not None
        return {
            "files": files,
            "listening_s": round(listening_s - began_s, 2),
            "window_up_s": round(up_s - began_s, 2),
            "first_plane_after_window_s": round(first_s - up_s, 2),
            "all_headers_s": round(all_s - began_s, 2),
            **steps,
            "viewer_memory_mb": round(info.memory_mb or 0.0),
        }
    finally:
        quit_viewer(endpoint, 30)


def go_around(endpoint: Endpoint, wells: int) -> dict[str, float]:
    rng = random.Random(0)  # noqa: S311 -- places to look at
    ask(endpoint.port, "probe", token=endpoint.token, timeout_s=20, action="start")
    took_s = []
    for _ in range(PLACES):
        row, column = divmod(rng.randrange(wells), COLUMNS)
        began_s = time.monotonic()
        place = {"well": f"{chr(65 + row)}{column + 1:02d}", "site": rng.randint(1, SITES)}
        ask(endpoint.port, "goto", token=endpoint.token, timeout_s=20, **place)
        took_s.append(time.monotonic() - began_s)
        time.sleep(0.1)
    gaps, _ = ask(endpoint.port, "probe", token=endpoint.token, timeout_s=20, action="stop")
    p50, p95 = np.percentile(took_s, [50, 95]) * 1e3
    return {"goto_p50_ms": round(p50), "goto_p95_ms": round(p95), "gui_gap_p99_ms": round(gaps["p99_ms"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wells", type=int, nargs="?", default=384, help="of the plate; default: 384")
    wells = parser.parse_args().wells
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "plate")
        folder.mkdir()
        files = make_plate(folder, wells)
        facts = measure(folder, files, wells)
    print(json.dumps({"benchmark": "view_plate", **facts, "goal_first_plane_s": 2}))


if __name__ == "__main__":
    main()
