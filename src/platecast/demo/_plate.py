"""A synthetic plate on disk, named as an ImageXpress exports it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from platecast.components import row_name, well_name
from platecast.demo._cells import WellCondition, expose, haze_of, illumination, render_field
from platecast.storage import DiskBackend

PLATE_NAME = "Demo-Plate"

_BACKGROUND_PHOTONS = (45.0, 70.0)
"""Of the nuclear channel and the others."""


def make_plate(
    folder: str | os.PathLike[str],
    *,
    wells: int = 16,
    sites: int = 2,
    channels: int = 2,
    z: int = 3,
    size: int = 512,
    seed: int = 0,
) -> Path:
    """Write a synthetic plate of fluorescence images.

    Channel 1 shows nuclei and channel 2 cell bodies. Density, size and brightness differ from well to
    well, and in one of eight wells most cells are dead. The middle slice is nearest to the focus.

    Parameters
    ----------
    folder
        Where the plate's own folder is made.
    wells, sites, channels, z
        How many of each; up to 1536 wells and 2 channels.
    size
        Pixels along Y and X; images are ``(size, size)`` uint16.
    seed
        The same seed gives the same pixels.

    Returns
    -------
    Path
        The plate's folder, with images such as ``TimePoint_1/ZStep_1/Demo-Plate_A01_s1_w1.TIF``.

    Raises
    ------
    ValueError
        A number is out of range.
    """
    limits = {"wells": (wells, 1536), "sites": (sites, 999), "channels": (channels, 2), "z": (z, 999)}
    for name, (value, highest) in limits.items():
        if not 1 <= value <= highest:
            raise ValueError(f"{name}={value}: expected 1 to {highest}")
    if size < 32:
        raise ValueError(f"size={size}: expected at least 32 pixels")
    plate = Path(folder) / PLATE_NAME
    shape = _Shape(sites, channels, z, size)
    tasks = list(enumerate(_wells(wells, seed)))
    # NumPy and SciPy compute outside the interpreter's lock.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "platecast-demo") as threads:
        for written in [
            threads.submit(_write_well, plate, well, condition, shape, (seed, number))
            for number, (well, condition) in tasks
        ]:
            written.result()
    return plate


@dataclass(frozen=True, slots=True)
class _Shape:
    sites: int
    channels: int
    z: int
    size: int


def _write_well(
    plate: Path, well: str, condition: WellCondition, shape: _Shape, seed: tuple[int, int]
) -> None:
    disk = DiskBackend()
    for site in range(1, shape.sites + 1):
        # Seeded by place, so that the order in which wells are made does not matter.
        rng = np.random.default_rng((*seed, site))
        field = render_field(condition, shape.size, rng)
        light = illumination(shape.size, rng)
        focus = (shape.z - 1) / 2 + rng.normal(0, 0.2)
        for channel, photons in enumerate((field.nuclei, field.bodies)[: shape.channels], start=1):
            haze = haze_of(photons, _BACKGROUND_PHOTONS[channel - 1])
            for index in range(shape.z):
                image = expose(photons, haze, abs(index - focus), light, rng)
                name = f"{PLATE_NAME}_{well}_s{site}_w{channel}.TIF"
                disk.save(image, plate / "TimePoint_1" / f"ZStep_{index + 1}" / name)


def _wells(count: int, seed: int) -> Iterator[tuple[str, WellCondition]]:
    """Yield labels, filling a square block up to 64 wells and a standard plate above, and conditions."""
    standard = next(columns for limit, columns in _COLUMNS if count <= limit)
    columns = standard or int(np.ceil(np.sqrt(count)))
    rng = np.random.default_rng((seed, count))
    dead = set(rng.choice(count, size=count // 8, replace=False).tolist())
    for number in range(count):
        row, column = divmod(number, columns)
        label = well_name(f"{row_name(row)}{column + 1}")
        if number in dead:
            yield label, WellCondition(density=rng.uniform(5, 12), brightness=0.9, mitotic=0, dead=True)
        else:
            yield (
                label,
                WellCondition(
                    density=rng.uniform(28, 85),
                    nuclear_radius_px=rng.uniform(9.5, 13.0),
                    brightness=rng.uniform(0.75, 1.3),
                    mitotic=rng.uniform(0.01, 0.09),
                ),
            )


_COLUMNS = ((64, 0), (96, 12), (384, 24), (1536, 48))
"""Up to how many wells a plate has how many columns; 0 for a square block."""
