"""What the pipeline engine costs beside the same functions in a loop, and in a plain pool of processes.

One JSON line for each case, medians of several rounds; a plain round and one of the engine alternate, so that
a machine that drifts does so for both. What both import is imported before.

- ``serial``: reading, two functions and writing their results with `DiskBackend`, in a loop and with `run`;
  `overhead_ms` is the difference for each image, goal: at most 3.
- ``two workers``: the same in a `multiprocessing.Pool` of two that takes wells, and with ``run(workers=2)``;
  `speed` is the engine's over the pool's, goal: at least 0.9. Both pay for starting their processes.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

import platecast as pc
from platecast.components import format_name
from platecast.storage import DiskBackend, PlateImage


def blur(image: npt.NDArray[np.uint16], sigma: float = 2.0) -> npt.NDArray[np.uint16]:
    return np.asarray(ndimage.gaussian_filter(image, sigma))


def label(image: npt.NDArray[np.uint16]) -> npt.NDArray[np.int32]:
    labels, _ = ndimage.label(image > image.mean() + 2 * image.std())
    return np.asarray(labels, np.int32)


def make_plate(folder: Path, wells: int, size: int) -> Path:
    """Write two channels of two sites for each well."""
    random = np.random.default_rng(0)
    field = ndimage.gaussian_filter(random.random((size, size)), 8)
    image = ((field - field.min()) / np.ptp(field) * 4000).astype(np.uint16)
    backend = DiskBackend()
    for well in range(wells):
        for site in (1, 2):
            for channel in (1, 2):
                name = f"well-{'ABCDEFGH'[well // 12]}{well % 12 + 1:02d}_site-{site}_channel-{channel}.tif"
                backend.save(np.roll(image, 7 * well + site, axis=0), folder / name)
    return folder


def process_images(images: tuple[PlateImage, ...], output: Path) -> None:
    backend = DiskBackend()
    for image in images:
        result = blur(backend.load(image.path))
        backend.save(result, output / "blur" / format_name(image.components))
        labels = label(result).astype(np.uint16)
        backend.save(labels, output / "label" / format_name(image.components))


def in_a_loop(plate: Path, output: Path) -> None:
    process_images(pc.open_plate(plate).images, output)


def in_a_pool(plate: Path, output: Path) -> None:
    wells = pc.open_plate(plate).by_well().values()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(process_images, [(images, output) for images in wells], chunksize=1)
        pool.close()
        pool.join()


def with_engine(workers: int) -> Callable[[Path, Path], None]:
    def run(plate: Path, output: Path) -> None:
        report = pc.run(pc.Pipeline([blur, label]), plate, output, workers=workers)
        assert report.ok, report.failures

    return run


def compare(
    plain: Callable[[Path, Path], None], engine: Callable[[Path, Path], None], plate: Path, rounds: int
) -> tuple[float, float]:
    """Return the median seconds of both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for function, taken in zip((plain, engine), seconds, strict=True):
            with tempfile.TemporaryDirectory() as output:
                start_s = time.perf_counter()
                function(plate, Path(output))
                taken.append(time.perf_counter() - start_s)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--wells", type=int, default=24)
    parser.add_argument("--size", type=int, default=1080)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    _ = pc.run
    with tempfile.TemporaryDirectory() as name:
        plate = make_plate(Path(name), options.wells, options.size)
        images = 4 * options.wells
        facts = {"images": images, "size": options.size}
        plain, engine = compare(in_a_loop, with_engine(1), plate, options.rounds)
        overhead = round((engine - plain) / images * 1000, 3)
        line = {
            "case": "serial",
            **facts,
            "seconds_plain": round(plain, 3),
            "seconds_engine": round(engine, 3),
        }
        print(json.dumps({**line, "overhead_ms": overhead}), flush=True)
        plain, engine = compare(in_a_pool, with_engine(2), plate, options.rounds)
        line = {"case": "two workers", **facts, "seconds_plain": round(plain, 3)}
        print(json.dumps({**line, "seconds_engine": round(engine, 3), "speed": round(plain / engine, 3)}))


if __name__ == "__main__":
    main()
