"""The demonstration's image processing: three plain functions on one plane."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

_NOISE_OF_MAD = 1.4826
"""The standard deviation of normal noise over its median absolute deviation."""


def subtract_background(image: npt.NDArray[Any], radius_px: float = 50.0) -> npt.NDArray[Any]:
    """Remove what varies slowly across a field: camera offset, haze, uneven illumination.

    The background is the smoothed lower envelope, found at an eighth of the size, where it costs little.

    Parameters
    ----------
    image
        ``(Y, X)``.
    radius_px
        Objects up to about this radius are kept.

    Returns
    -------
    numpy.ndarray
        The same shape and dtype; nothing is negative.
    """
    factor = 8
    small = _shrunk(image, factor)
    size = max(3, round(2 * radius_px / factor) | 1)
    envelope = ndimage.grey_opening(ndimage.gaussian_filter(small, 1), size=size, mode="nearest")
    envelope = ndimage.gaussian_filter(envelope, size / 2, mode="nearest")
    zoom = [length / short for length, short in zip(image.shape, envelope.shape, strict=True)]
    background = ndimage.zoom(envelope, zoom, order=1, mode="nearest", grid_mode=True)
    return _as_dtype(np.maximum(image - background, 0), image.dtype)


def gaussian_blur(image: npt.NDArray[Any], sigma: float = 2.0) -> npt.NDArray[Any]:
    """Smooth an image; `sigma` in pixels, dtype unchanged."""
    return _as_dtype(ndimage.gaussian_filter(image.astype(np.float32), sigma), image.dtype)


def segment_nuclei(
    image: npt.NDArray[Any], min_radius_px: float = 5.0, min_contrast: float = 6.0
) -> npt.NDArray[np.uint16]:
    """Label nuclei: Otsu's threshold, then a watershed on the distance to the edge to part those that touch.

    Parameters
    ----------
    image
        ``(Y, X)``, bright nuclei on a dark background.
    min_radius_px
        Smaller objects are left out, and centres are at least this far apart.
    min_contrast
        How far, in standard deviations of the background, the threshold must be above it; in a field without
        nuclei, Otsu's method would part the noise in two.

    Returns
    -------
    numpy.ndarray
        ``(Y, X)`` uint16; 0 is background.
    """
    centre = float(np.median(image))
    noise = _NOISE_OF_MAD * float(np.median(np.abs(image - centre)))
    threshold = float(threshold_otsu(image)) if image.min() < image.max() else np.inf
    mask = image > max(threshold, centre + min_contrast * noise)
    mask = ndimage.binary_fill_holes(ndimage.binary_opening(mask, iterations=2))
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask).astype(np.float32), 1.5)
    objects, _ = ndimage.label(mask)
    peaks = peak_local_max(distance, min_distance=round(min_radius_px), labels=objects, exclude_border=False)
    seeds = np.zeros(image.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, seeds, mask=mask)
    return _without_small(labels, np.pi * min_radius_px**2)


def _without_small(labels: npt.NDArray[Any], min_area_px: float) -> npt.NDArray[np.uint16]:
    areas = np.bincount(labels.ravel())
    kept = areas >= min_area_px
    kept[0] = False
    numbers = np.cumsum(kept) * kept
    renumbered: npt.NDArray[np.uint16] = numbers.astype(np.uint16)[labels]
    return renumbered


def _shrunk(image: npt.NDArray[Any], factor: int) -> npt.NDArray[np.float32]:
    """Return the means of blocks; a rest at the edges that fills no block is padded with its neighbours."""
    rest = [(0, -length % factor) for length in image.shape]
    padded = np.pad(image, rest, mode="edge").astype(np.float32)
    height, width = (length // factor for length in padded.shape)
    means: npt.NDArray[np.float32] = padded.reshape(height, factor, width, factor).mean((1, 3))
    return means


def _as_dtype(values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return np.asarray(values, dtype)
