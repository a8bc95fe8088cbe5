import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platecast.layers import Axes, PlaneStack

WELLS, DEPTHS = ("A01", "A02", "B01"), (0, 1)
BLANK = "B01", 1


def plane_of(well, z):
    return np.full((3, 4), 10 * WELLS.index(well) + z + 1, np.uint16)


@pytest.fixture(scope="module")
def filled():
    return fill()


def fill():
    """Return a stack over wells and z with one plane missing, and the same as a full array."""
    axes = Axes()
    stack = PlaneStack(axes, ("well", "z_index"), (3, 4), "uint16")
    full = np.zeros((3, 1, 2, 1, 2, 3, 4), np.uint16)
    axes.add({"channel": "a"})
    axes.add({"channel": "b"})
    for row, well in enumerate(WELLS):
        for z in DEPTHS:
            axes.add({"well": well, "z_index": z})
            if (well, z) != BLANK:
                stack.put((well, z), plane_of(well, z))
                full[row, 0, :, 0, z] = plane_of(well, z)
    return stack, full


def parts(length):
    ints = st.integers(-length, length - 1)
    return st.one_of(ints, ints.map(np.int64), st.slices(length), st.just(slice(None)))


@given(st.tuples(*(parts(length) for length in (3, 1, 2, 1, 2, 3, 4))), st.integers(0, 7))
def test_reads_as_numpy_does(key, count):
    stack, full = fill()
    expected = full[key[:count]]
    found = stack[key[:count]]
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "key",
    [
        np.s_[...],
        np.s_[..., 0],
        np.s_[0, ..., 1:3, :],
        np.s_[[0, 2]],
        np.s_[(1, 2), 0, 0, 0, 0],
        np.s_[np.array([2, 0]), :, 1],
        np.s_[np.array(1)],
        0,
        slice(0, 1),
    ],
    ids=str,
)
def test_keys_that_are_not_only_ints_and_slices(filled, key):
    stack, full = filled
    np.testing.assert_array_equal(stack[key], full[key])


@pytest.mark.parametrize(
    "key", [(3,), (-4,), (0, 1), (0,) * 8, (..., ...), ("A01",), (True,), (1.0,)], ids=str
)
def test_wrong_keys(filled, key):
    with pytest.raises(IndexError):
        filled[0][key]


def test_looks_like_an_array(filled):
    stack, full = filled
    assert (stack.shape, stack.ndim, stack.size, stack.dtype) == (
        full.shape,
        full.ndim,
        full.size,
        full.dtype,
    )
    assert len(stack) == 3
    np.testing.assert_array_equal(np.asarray(stack), full)


@pytest.mark.parametrize(
    "key",
    [
        (0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, slice(1, 3)),
        (slice(0, 1), 0, 0, 0, slice(0, 1)),
        (0, 0, slice(1, 2), 0, 0),
    ],
)
def test_one_plane_is_a_read_only_view(key):
    stack, _ = fill()
    mine = np.ones((3, 4), np.uint16)
    stack.put(("A01", 0), mine)
    found = stack[key]
    assert np.shares_memory(found, mine)
    assert not found.flags.writeable
    assert mine.flags.writeable


def test_missing_is_told_from_dark(filled):
    stack, _ = filled
    assert stack.is_missing((2, 0, 0, 0, 1))
    assert not stack.is_missing((2, 0, 1, 0, 0))
    blank = stack[2, 0, 0, 0, 1]
    assert not blank.any()
    assert not blank.flags.writeable
    assert np.shares_memory(blank, stack[2, 0, 1, 0, 1])


def test_grows_in_the_middle_by_value():
    stack, _ = fill()
    axes = stack._axes
    axes.add({"well": "A11"})
    assert stack.shape[0] == 4
    np.testing.assert_array_equal(stack[3, 0, 0, 0, 0], plane_of("B01", 0))
    assert stack.is_missing((2, 0, 0, 0, 0))


def test_conversions_when_read():
    axes = Axes()
    stack = PlaneStack(axes, (), (2, 2), "uint16")
    for sent in (np.array([[1, 2], [3, 4]], np.uint8), np.array([[1, 2], [3, 4]], ">u2")):
        stack.put((), sent)
        found = stack[0, 0, 0, 0, 0]
        assert found.dtype == np.uint16
        assert not found.flags.writeable
        np.testing.assert_array_equal(found, sent)
    stack.put((), np.array([[True, False], [False, True]]))
    np.testing.assert_array_equal(stack[0, 0, 0, 0, 0], [[1, 0], [0, 1]])


def test_rgb():
    stack = PlaneStack(Axes(), (), (2, 3, 3), "uint8")
    stack.put((), np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
    assert stack.shape == (1, 1, 1, 1, 1, 2, 3, 3)
    assert stack[0, 0, 0, 0, 0].shape == (2, 3, 3)


@pytest.mark.parametrize(("index", "shape"), [(("A01", 0), (4, 4)), (("A01",), (3, 4))])
def test_what_does_not_fit_is_refused(filled, index, shape):
    with pytest.raises(ValueError, match="does not fit"):
        filled[0].put(index, np.zeros(shape, np.uint16))
