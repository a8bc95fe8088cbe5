"""Synthetic fields of view: cells as a widefield microscope sees them.

Knows how a field looks, in photons and pixels. Plates and files are left to `_plate`.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Pixels: TypeAlias = npt.NDArray[np.float32]

CAMERA_OFFSET = 100.0
_READ_NOISE = 4.0
_GAIN_PER_PHOTON = 2.0
_FOCUS_SIGMA_PX = 0.7
_BLUR_PX_A_SLICE = 1.8


@dataclass(frozen=True, slots=True)
class WellCondition:
    """What a treatment did to the cells of a well.

    Parameters
    ----------
    density
        Cells in 512 x 512 pixels.
    nuclear_radius_px
        Mean radius of a nucleus.
    brightness
        Factor on all stains.
    mitotic
        Share of cells in division.
    dead
        Whether most cells are gone and the rest is shrunken and bright.
    """

    density: float
    nuclear_radius_px: float = 11.0
    brightness: float = 1.0
    mitotic: float = 0.04
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field in focus, free of noise: photons that come from the nuclei and from the cell bodies."""

    nuclei: Pixels
    bodies: Pixels


def render_field(condition: WellCondition, size: int, rng: np.random.Generator) -> Field:
    """Draw the cells of one field of view of ``(size, size)`` pixels."""
    texture = _texture(size, rng, (1.5, 4.0))
    fibres = _texture(size, rng, (1.2, 2.5, 7.0))
    nuclei = np.zeros((size, size), np.float32)
    bodies = np.zeros((size, size), np.float32)
    for row, column in _positions(condition, size, rng):
        radius = condition.nuclear_radius_px * rng.lognormal(0.0, 0.16)
        angle = rng.uniform(0, np.pi)
        light = condition.brightness * rng.lognormal(0.0, 0.22)
        centre = (row, column)
        if condition.dead and rng.random() < 0.8:
            nucleus = _Blob(centre, 0.5 * radius, 1.05, angle, 0.06, 2600 * light, 0.15, 0.45)
            body = _Blob(centre, 0.9 * radius, 1.1, angle, 0.1, 900 * light, 0.3, 0.6)
            _stamp(nuclei, nucleus, texture, rng)
        elif rng.random() < condition.mitotic:
            body = _Blob(centre, 1.7 * radius, 1.05, angle, 0.04, 1000 * light, 0.35, 0.45)
            _stamp_mitosis(nuclei, centre, radius, angle, 3600 * light, texture, rng)
        else:
            long = rng.uniform(1.05, 1.6)
            reach = radius * rng.uniform(2.2, 3.4)
            nucleus = _Blob(centre, radius, long, angle, 0.05, 1500 * light, 0.22, 0.45)
            body = _Blob(centre, reach, 1.15 * long, angle, 0.13, 950 * light, 0.5, 0.82)
            _stamp(nuclei, nucleus, texture, rng)
        _stamp(bodies, body, fibres, rng)
    # The nucleus keeps most of the cytoplasm's stain out.
    bodies *= 1 - 0.35 * np.clip(nuclei / 1500, 0, 1)
    return Field(nuclei, bodies)


def expose(
    photons: Pixels, haze: Pixels, defocus_slices: float, light: Pixels, rng: np.random.Generator
) -> npt.NDArray[np.uint16]:
    """Return what the camera records of a field.

    Parameters
    ----------
    photons
        The field in focus.
    haze
        What is not in focus anywhere, see `haze_of`.
    defocus_slices
        Distance from the plane of focus.
    light
        Illumination of each pixel, 1 at its brightest.
    rng
        Source of the noise.
    """
    sigma = float(np.hypot(_FOCUS_SIGMA_PX, _BLUR_PX_A_SLICE * defocus_slices))
    expected = ndimage.gaussian_filter(photons, sigma, truncate=3)
    expected += haze
    expected *= light
    expected *= _GAIN_PER_PHOTON
    # At these counts a Poisson distribution is a normal one, drawn five times as fast.
    noise = rng.standard_normal(expected.shape, dtype=np.float32)
    noise *= np.sqrt(expected * _GAIN_PER_PHOTON + _READ_NOISE**2)
    expected += noise
    expected += CAMERA_OFFSET
    image: npt.NDArray[np.uint16] = np.clip(expected, 0, 65535).astype(np.uint16)
    return image


def haze_of(photons: Pixels, background: float) -> Pixels:
    """Return the light of the medium, and of the field above and below any plane."""
    # Spread so wide that an eighth of the size shows all of it.
    wide = ndimage.gaussian_filter(photons[::8, ::8], 3)
    factors = [length / short for length, short in zip(photons.shape, wide.shape, strict=True)]
    haze: Pixels = np.float32(0.18) * ndimage.zoom(wide, factors, order=1) + np.float32(background)
    return haze


def illumination(size: int, rng: np.random.Generator) -> Pixels:
    """Return an uneven illumination that falls off from a point near the centre, at most 1."""
    row, column = rng.uniform(-0.15, 0.15, 2)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    distance = (axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2
    light: Pixels = np.float32(1) - np.float32(0.22) * distance
    return light


@dataclass(frozen=True, slots=True)
class _Blob:
    centre: tuple[float, float]
    radius_px: float
    elongation: float
    angle: float
    wobble: float
    """How far the outline departs from an ellipse."""
    peak: float
    grain: float
    """How much of the brightness is texture."""
    decay: float
    """How much darker it is at its edge than in its centre."""


def _positions(condition: WellCondition, size: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return cell centres: mostly apart from each other, some side by side."""
    count = int(rng.poisson(condition.density * (size / 512) ** 2))
    apart = (2.6 * condition.nuclear_radius_px) ** 2
    touching = 1.75 * condition.nuclear_radius_px
    found: list[tuple[float, float]] = []
    for _ in range(count * 4):
        if len(found) >= count:
            break
        if found and rng.random() < 0.14:
            row, column = found[rng.integers(len(found))]
            angle = rng.uniform(0, 2 * np.pi)
            found.append((row + touching * np.sin(angle), column + touching * np.cos(angle)))
            continue
        row, column = rng.uniform(-8, size + 8, 2)
        if all((row - r) ** 2 + (column - c) ** 2 > apart for r, c in found):
            found.append((row, column))
    return found


def _stamp_mitosis(
    canvas: Pixels,
    centre: tuple[float, float],
    radius: float,
    angle: float,
    peak: float,
    texture: Pixels,
    rng: np.random.Generator,
) -> None:
    """Draw condensed chromosomes: one plate in metaphase, or two that have parted in anaphase."""
    apart = radius * 0.75 if rng.random() < 0.5 else 0.0
    for side in (-apart, apart) if apart else (0.0,):
        place = (centre[0] + side * np.cos(angle), centre[1] - side * np.sin(angle))
        _stamp(canvas, _Blob(place, 0.55 * radius, 2.6, angle, 0.05, peak, 0.1, 0.45), texture, rng)


def _stamp(canvas: Pixels, blob: _Blob, texture: Pixels, rng: np.random.Generator) -> None:
    """Draw one blob where it is brighter than what is there."""
    reach = int(np.ceil(blob.radius_px * np.sqrt(blob.elongation) * (1 + 3 * blob.wobble))) + 3
    top, left = int(blob.centre[0]) - reach, int(blob.centre[1]) - reach
    rows = slice(max(top, 0), max(min(top + 2 * reach, canvas.shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + 2 * reach, canvas.shape[1]), 0))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(blob.centre[0])
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - np.float32(blob.centre[1])
    cosine, sine = np.float32(np.cos(blob.angle)), np.float32(np.sin(blob.angle))
    stretch = np.float32(np.sqrt(blob.elongation))
    along = (cosine * x + sine * y) / stretch
    across = (cosine * y - sine * x) * stretch
    theta = np.arctan2(across, along)
    outline = np.float32(blob.radius_px) * _outline(theta, blob.wobble, rng)
    distance = np.sqrt(along**2 + across**2) / outline
    edge = np.clip((1 - distance) * blob.radius_px / 2.5 + 0.5, 0, 1)
    dome = 1 - np.float32(blob.decay) * np.minimum(distance, 1) ** (2 if blob.decay < 0.7 else 1)
    grain = 1 - blob.grain + blob.grain * 2 * texture[rows, columns]
    patch = canvas[rows, columns]
    np.maximum(patch, np.float32(blob.peak) * edge * dome * grain, out=patch)


def _outline(theta: npt.NDArray[Any], wobble: float, rng: np.random.Generator) -> npt.NDArray[Any]:
    phases = rng.uniform(0, 2 * np.pi, 3).astype(np.float32)
    weights = np.float32(wobble) * rng.uniform(0.3, 1.0, 3).astype(np.float32)
    waves = [
        weight * np.cos(order * theta + phase)
        for order, weight, phase in zip((2, 3, 5), weights, phases, strict=True)
    ]
    outline: npt.NDArray[Any] = 1 + waves[0] + waves[1] + waves[2]
    return outline


def _texture(size: int, rng: np.random.Generator, scales_px: tuple[float, ...]) -> Pixels:
    """Return a random texture with a mean of about a half, never negative."""
    total = np.zeros((size, size), np.float32)
    for scale in scales_px:
        layer = ndimage.gaussian_filter(
            rng.standard_normal((size, size), dtype=np.float32), scale, truncate=3
        )
        total += layer / layer.std()
    total *= 0.24 / total.std()
    texture: Pixels = np.clip(0.5 + total, 0, 1.2)
    return texture
