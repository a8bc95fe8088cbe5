"""How long after a file is finished `platecast watch` has its image in a layer, at 8 files a second.

A microscope is played: every second file is written in parts into its place, the others under another name
that is changed when they are done. It writes a synthetic plate of 1080² images, or copies every file of a
real one (`--plate`): its images with whatever lies beside them, such as thumbnails, corrections and the files
that describe the plate, in the order of their paths. With change events, and polling. A real viewer on a
virtual screen. Goal: at most 0.5 s for the median, and every image shown once. Prints one JSON line for each
way.

    python benchmarks/watch.py [--files COUNT] [--plate FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from platecast import open_plate
from platecast.manager import find_or_start, find_viewer, quit_viewer

PORT = 6165
RATE_PER_S = 8.0
PARTS = 4
SIDE = 1080
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Played:
    """One file that the microscope writes: where, what, and how many images of the plate it is."""

    place: str
    content: bytes
    images: int


def synthetic_plate(count: int) -> Iterator[Played]:
    """Yield as many files of one image each."""
    image = np.random.default_rng(0).poisson(300, (SIDE, SIDE)).astype("uint16")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "a.tif")
        tifffile.imwrite(path, image, photometric="minisblack", metadata=None)
        content = path.read_bytes()
    for number in range(count):
        yield Played(f"P1_{chr(65 + number // 24)}{number % 24 + 1:02d}_s1_w1.TIF", content, 1)


def real_plate(folder: Path) -> Iterator[Played]:
    """Yield every file of a plate."""
    images: dict[Path, int] = {}
    for image in open_plate(folder).images:
        file = Path(image.path.partition("#page=")[0])
        images[file] = images.get(file, 0) + 1
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield Played(str(file.relative_to(folder)), file.read_bytes(), images.get(file, 0))


def play(folder: Path, files: Sequence[Played], finished_s: list[float]) -> None:
    """Write files as a microscope does; note when each image is finished."""
    next_s = time.monotonic()
    for number, played in enumerate(files):
        path = folder / played.place
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path if number % 2 else path.with_name(f"{path.name}.tmp")
        part = len(played.content) // PARTS + 1
        with target.open("wb", buffering=0) as file:
            for start in range(0, len(played.content), part):
                file.write(played.content[start : start + part])
                time.sleep(0.3 / RATE_PER_S / PARTS)
        if target != path:
            target.rename(path)
        finished_s += [time.monotonic()] * played.images
        next_s += 1 / RATE_PER_S
        time.sleep(max(0.0, next_s - time.monotonic()))


def count_shown(until: int, shown_s: list[float], before: int) -> None:
    """Note when each next plane is in a layer."""
    deadline_s = time.monotonic() + until / RATE_PER_S * 2 + _TIMEOUT_S
    while len(shown_s) < until and time.monotonic() < deadline_s:
        info = find_viewer(PORT)
        if info is not None and info.ledger is not None:
            shown_s += [time.monotonic()] * (info.ledger.shown - before - len(shown_s))
        time.sleep(0.01)


def measure(way: str, files: Sequence[Played]) -> dict[str, object]:
    info = find_viewer(PORT)
    assert info is not None
    assert info.ledger is not None
    before = info.ledger
    count = sum(played.images for played in files)
    finished_s: list[float] = []
    shown_s: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, f"plate {way}")
        folder.mkdir()
        command = [sys.executable, "-m", "platecast", "watch", str(folder), "--port", str(PORT)]
        command += [f"--{way}", "--idle-s", "3"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            time.sleep(2.0)
            counting = threading.Thread(target=count_shown, args=(count, shown_s, before.shown))
            counting.start()
            play(folder, files, finished_s)
            counting.join()
            said, errors = process.communicate(timeout=_TIMEOUT_S)
            assert process.returncode == 0, errors
    info = find_viewer(PORT)
    assert info is not None
    assert info.ledger is not None
    assert f"{count} images" in " ".join(said.split()), said
    assert (info.ledger.shown - before.shown, info.ledger.superseded) == (count, before.superseded)
    delays_s = np.array(shown_s) - np.array(finished_s)
    p50, p95 = np.percentile(delays_s, [50, 95])
    return {
        "files": len(files),
        "shown_once": count,
        "delay_p50_s": round(float(p50), 3),
        "delay_p95_s": round(float(p95), 3),
        "delay_max_s": round(float(delays_s.max()), 3),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--files", type=int, default=96, help="of the synthetic plate")
    arguments.add_argument("--plate", type=Path, help="folder of a real plate")
    options = arguments.parse_args()
    files = list(synthetic_plate(options.files) if options.plate is None else real_plate(options.plate))
    facts = {"benchmark": "watch", "plate": "synthetic" if options.plate is None else options.plate.name}
    viewer = find_or_start(PORT, title="benchmark", virtual_screen=True)
    try:
        deadline_s = time.monotonic() + _TIMEOUT_S
        while (info := find_viewer(PORT)) is None or info.state != "ready":
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        time.sleep(3.0)
        for way in ("no-poll", "poll"):
            print(json.dumps({**facts, "way": way, **measure(way, files), "goal_p50_s": 0.5}), flush=True)
    finally:
        quit_viewer(viewer, 30)


if __name__ == "__main__":
    main()
