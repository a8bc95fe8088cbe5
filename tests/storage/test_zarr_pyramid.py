"""Lower resolutions keep intensities' means and labels' values."""

import numpy as np
import pytest

from platecast.components import Kind
from platecast.storage._zarr._pyramid import build_levels, level_count, level_shapes

COUNTS = {(1, 1): 1, (256, 256): 1, (256, 257): 2, (1080, 1080): 4, (2160, 2560): 5, (3, 2000): 4}


@pytest.mark.parametrize(("shape", "count"), COUNTS.items(), ids=str)
def test_levels_until_the_image_is_small(shape, count):
    assert level_count(shape) == count
    assert max(level_shapes(shape, count)[-1]) <= 256


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"]
)
def test_mean_of_four_pixels(dtype):
    info = np.finfo(dtype) if dtype.startswith("f") else np.iinfo(dtype)
    plane = np.full((4, 6), info.max if dtype.startswith("u") else 100, dtype)
    plane[0, 0] -= plane.dtype.type(4)
    (_, half) = build_levels(plane, 2, Kind.IMAGE)
    assert half.dtype == plane.dtype
    assert half.shape == (2, 3)
    assert half[0, 0] == plane[1, 1] - plane.dtype.type(1)
    assert (half.ravel()[1:] == plane[1, 1]).all()


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (2, 3, 3), (3, 1, 4)], ids=str)
@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.LABELS])
def test_odd_sizes_are_rounded_up(shape, kind):
    plane = np.full(shape, 9, "uint16")
    levels = build_levels(plane, 3, kind)
    assert [level.shape[:2] for level in levels] == list(level_shapes(shape[:2], 3))
    assert all((level == 9).all() for level in levels)


def test_labels_are_never_mixed():
    plane = np.arange(64, dtype="uint16").reshape(8, 8)
    assert build_levels(plane, 2, Kind.LABELS)[1].tolist() == plane[::2, ::2].tolist()
