import numpy as np
import pytest

from platecast.layers import Shelf, mean_intensity, sample_values, small_picture, value_range


@pytest.mark.parametrize(
    ("planes", "expected"),
    [
        ([], None),
        ([np.full((4, 4), 7, "uint16")], (7, 7)),
        ([np.full((4, 4), 7, "uint16"), np.full((2, 9), 3, "uint16")], (3, 7)),
        ([np.array([[np.nan, 1.0], [np.inf, 2.0]])], (1, 2)),
        ([np.full((2, 2), np.nan)], None),
    ],
    ids=["none", "one", "two sizes", "not finite", "nothing finite"],
)
def test_value_range(planes, expected):
    assert value_range(planes) == expected


def test_sampling_has_an_end():
    planes = [np.zeros((2000, 2000), "uint16")] * 200
    assert 0 < sample_values(planes, 100_000).size < 200_000
    assert sample_values([np.zeros((5, 4, 3), "uint8")]).shape == (20, 3)


@pytest.mark.parametrize("shape", [(1, 1), (31, 33), (500, 2000), (64, 64, 3)])
def test_mean_is_near(shape):
    plane = np.random.default_rng(0).normal(100, 5, shape).astype("float32")
    assert mean_intensity(plane) == pytest.approx(plane.mean(), abs=3)


def test_mean_of_what_is_not_finite():
    assert mean_intensity(np.full((8, 8), np.nan)) is None
    assert mean_intensity(np.array([[np.nan, 4.0]])) == 4


@pytest.mark.parametrize("shape", [(8, 8), (100, 100), (1080, 1280), (40, 2000), (1, 1), (64, 64, 3)])
def test_small_picture(shape):
    left_half = np.zeros(shape, "uint16")
    left_half[:, : shape[1] // 2] = 900
    picture = small_picture(left_half, 8)
    assert picture.shape == (8, 8)
    if shape[1] > 1:
        assert (picture[:, 0] == 900).all()
        assert (picture[:, -1] == 0).all()


def test_no_picture_where_there_are_no_pixels():
    assert small_picture(np.full((8, 8), np.nan), 4) is None
    assert small_picture(Shelf(lambda _: np.zeros((8, 8))).plane("disk:x", (8, 8), "uint8"), 4) is None
