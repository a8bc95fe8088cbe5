"""How long after a file is finished `platecast watch` has its image in a layer, at 8 files a second.

A microscope is played that writes a plate of 1080² images: every second file in parts into its place, the
others under another name that is changed when they are done. With change events, and polling. A real viewer
on a virtual screen. Goal: at most 0.5 s for the median, and every image shown once. Prints one JSON line for
each way.

    python benchmarks/watch.py [files]
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import tifffile

from platecast.manager import find_or_start, find_viewer, quit_viewer

PORT = 6165
RATE_PER_S = 8.0
PARTS = 4
SIDE = 1080
_TIMEOUT_S = 60.0


def play(folder: Path, content: bytes, count: int, finished_s: list[float]) -> None:
    """Write files as a microscope does; note when each is finished."""
    next_s = time.monotonic()
    part = len(content) // PARTS + 1
    for number in range(count):
        path = folder / f"P1_{chr(65 + number // 24)}{number % 24 + 1:02d}_s1_w1.TIF"
        target = path if number % 2 else path.with_suffix(".TIF.tmp")
        with target.open("wb", buffering=0) as file:
            for start in range(0, len(content), part):
                file.write(content[start : start + part])
                time.sleep(0.3 / RATE_PER_S / PARTS)
        if target != path:
            target.rename(path)
        finished_s.append(time.monotonic())
        next_s += 1 / RATE_PER_S
        time.sleep(max(0.0, next_s - time.monotonic()))


def count_shown(until: int, shown_s: list[float], before: int) -> None:
    """Note when each next plane is in a layer."""
    deadline_s = time.monotonic() + _TIMEOUT_S
    while len(shown_s) < until and time.monotonic() < deadline_s:
        info = find_viewer(PORT)
        if info is not None and info.ledger is not None:
            shown_s += [time.monotonic()] * (info.ledger.shown - before - len(shown_s))
        time.sleep(0.01)


def measure(way: str, content: bytes, count: int) -> dict[str, object]:
    info = find_viewer(PORT)
    assert info is not None
    assert info.ledger is not None
    before = info.ledger
    finished_s: list[float] = []
    shown_s: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "plate")
        folder.mkdir()
        command = [sys.executable, "-m", "platecast", "watch", str(folder), "--port", str(PORT)]
        command += [f"--{way}", "--idle-s", "3"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            time.sleep(2.0)
            counting = threading.Thread(target=count_shown, args=(count, shown_s, before.shown))
            counting.start()
            play(folder, content, count, finished_s)
            counting.join()
            said, errors = process.communicate(timeout=_TIMEOUT_S)
            assert process.returncode == 0, errors
    info = find_viewer(PORT)
    assert info is not None
    assert info.ledger is not None
    assert f"{count} images" in said, said
    assert (info.ledger.shown - before.shown, info.ledger.superseded) == (count, before.superseded)
    delays_s = np.array(shown_s) - np.array(finished_s)
    p50, p95 = np.percentile(delays_s, [50, 95])
    return {
        "files": count,
        "shown_once": count,
        "delay_p50_s": round(float(p50), 3),
        "delay_p95_s": round(float(p95), 3),
        "delay_max_s": round(float(delays_s.max()), 3),
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 96
    with tempfile.TemporaryDirectory() as temporary:
        image = np.random.default_rng(0).poisson(300, (SIDE, SIDE)).astype("uint16")
        tifffile.imwrite(Path(temporary, "a.tif"), image, photometric="minisblack", metadata=None)
        content = Path(temporary, "a.tif").read_bytes()
    viewer = find_or_start(PORT, title="benchmark", virtual_screen=True)
    try:
        deadline_s = time.monotonic() + _TIMEOUT_S
        while (info := find_viewer(PORT)) is None or info.state != "ready":
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        time.sleep(3.0)
        for way in ("no-poll", "poll"):
            facts = measure(way, content, count)
            print(json.dumps({"benchmark": "watch", "way": way, **facts, "goal_p50_s": 0.5}), flush=True)
    finally:
        quit_viewer(viewer, 30)


if __name__ == "__main__":
    main()
