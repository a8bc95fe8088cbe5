import numpy as np
import pytest

from platecast.layers import contrast_range, robust_contrast


@pytest.mark.parametrize(
    ("plane", "expected"),
    [
        (np.zeros((4, 4), np.uint16), (0.0, 1.0)),
        (np.full((4, 4), 7.5), (7.5, 8.5)),
        (np.full((4, 4), np.nan), (0.0, 1.0)),
        (np.array([[0.0, np.inf], [np.nan, 1.0]]), (0.005, 0.998)),
        (np.arange(1001, dtype=np.int32).reshape(7, 143), (5.0, 998.0)),
    ],
    ids=["dark", "flat", "nothing-finite", "some-finite", "ramp"],
)
def test_robust_contrast(plane, expected):
    assert robust_contrast(plane) == pytest.approx(expected)


def test_hot_pixels_do_not_count():
    plane = np.random.default_rng(0).normal(100, 5, (1000, 1000))
    plane[0, :50] = 1e6
    lower, upper = robust_contrast(plane)
    assert 80 < lower < upper < 130


@pytest.mark.parametrize(
    ("dtype", "limits", "expected"),
    [
        ("uint8", (3, 9), (0, 255)),
        ("uint16", (3, 9), (0, 65535)),
        ("int16", (3, 9), (-32768, 32767)),
        ("float32", (0, 1), (-1, 4)),
        ("uint8", (3, 300), (0, 300)),
    ],
)
def test_contrast_range(dtype, limits, expected):
    assert contrast_range(dtype, limits) == expected
