"""Any array on any device becomes a plane, without loss or not at all."""

import subprocess
import sys

import numpy as np
import pytest

from platecast.arrays import PLANE_DTYPES, as_labels, copy_into, describe, dtype_name, to_host
from platecast.errors import UnsupportedArrayError

BIG = 2**40


class Foreign:
    """An array of an unknown library: NumPy can read it, and nothing else is known."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return self._values


class Numba:
    """An array on a device that hands itself over by a method of its own, as numba's do."""

    __module__ = "numba.cuda"

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype, self.flags = values.shape, values.dtype, values.flags
        self.copies = []

    def copy_to_host(self, out=None):
        self.copies.append(out)
        if out is None:
            return self._values
        out[...] = self._values
        return out


def plane(values, dtype):
    return np.array([values, values], dtype)


CONVERTED = {
    **{name: (plane([0, 1, 2], name), name) for name in PLANE_DTYPES},
    "bool": (plane([0, 1, 1], bool), "uint8"),
    "float16": (plane([0, 0.5, 1], "float16"), "float32"),
    "big-endian": (plane([0, 1, 500], ">u2"), "uint16"),
    "few labels": (plane([0, 1, 255], "int64"), "uint8"),
    "many labels": (plane([0, 1, 256], "int64"), "uint16"),
    "very many labels": (plane([0, 1, 65536], "uint64"), "uint32"),
    "negative integers": (plane([-1, 0, 300], "int64"), "int32"),
    "colour": (np.zeros((2, 3, 3), "uint8"), "uint8"),
    "colour with opacity": (np.zeros((2, 3, 4), "uint8"), "uint8"),
    "not contiguous": (np.arange(24, dtype="uint16").reshape(4, 6)[::2, ::2], "uint16"),
    "unknown library": (Foreign(plane([0, 1, 2], "uint16")), "uint16"),
    "device with a method": (Numba(plane([0, 1, 2], "uint16")), "uint16"),
}


@pytest.mark.parametrize(("array", "dtype"), CONVERTED.values(), ids=CONVERTED)
def test_conversion_keeps_every_value(array, dtype):
    shape, described = describe(array)
    out = np.empty(shape, described)
    copy_into(array, out)
    host = to_host(array)
    expected = array.copy_to_host() if isinstance(array, Numba) else np.asarray(array)
    assert described == out.dtype == host.dtype == np.dtype(dtype)
    assert described.isnative
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(host, expected)


def test_device_with_a_method_writes_into_the_buffer():
    array = Numba(plane([0, 1, 2], "uint16"))
    shape, dtype = describe(array)
    out = np.empty(shape, dtype)
    copy_into(array, out)
    (used,) = array.copies
    assert used is out


REFUSED = {
    "complex": (np.zeros((2, 2), complex), "complex128"),
    "objects": (np.zeros((2, 2), object), "object"),
    "structured": (np.zeros((2, 2), [("a", "u1")]), "void"),
    "a line": (np.zeros(4), "take a stack plane by plane"),
    "a stack": (np.zeros((5, 6, 7)), "take a stack plane by plane"),
    "no pixels": (np.zeros((0, 4)), "holds no pixels"),
    "integers that fit nothing": (plane([-1, 0, BIG], "int64"), "fit neither"),
    "masked": (np.ma.masked_equal(plane([0, 1, 2], "u1"), 1), "filled"),
    "no array": ([[1, 2], [3, 4]], "list is not an array"),
    "nothing": (None, "NoneType is not an array"),
}


@pytest.mark.parametrize(("array", "reason"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("function", [describe, to_host])
def test_what_would_lose_something_is_refused(function, array, reason):
    with pytest.raises(UnsupportedArrayError, match=reason):
        function(array)


def test_host_array_is_not_copied():
    array = np.zeros((4, 4), "uint16")
    assert to_host(array) is array


WRONG_BUFFERS = {
    "shape": np.empty((3, 3), "uint16"),
    "dtype": np.empty((2, 3), "uint8"),
    "too small for the values": np.empty((2, 3), "uint8"),
}


@pytest.mark.parametrize("name", WRONG_BUFFERS)
def test_buffer_that_does_not_fit_is_refused(name):
    array = plane([0, 1, 300], "int64" if name.startswith("too") else "uint16")
    with pytest.raises(UnsupportedArrayError, match="does not fit"):
        copy_into(array, WRONG_BUFFERS[name])


LABELS = {
    "mask": (plane([0, 1, 1], bool), "uint8"),
    "few objects": (plane([0, 1, 2], "int32"), "uint16"),
    "crowded": (plane([0, 1, 70000], "int64"), "uint32"),
    "already small": (plane([0, 1, 2], "uint8"), "uint8"),
}


@pytest.mark.parametrize(("array", "dtype"), LABELS.values(), ids=LABELS)
def test_labels_become_unsigned(array, dtype):
    labels = as_labels(array)
    assert labels.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(labels, array)


@pytest.mark.parametrize("array", [plane([0, 1, -1], "int32"), plane([0, 1, 2], "float32")])
def test_what_is_no_label_image_is_refused(array):
    with pytest.raises(UnsupportedArrayError, match="is this an image"):
        as_labels(array)


TORCH_DTYPES = {
    "float32": "float32", "float64": "float64", "float16": "float32", "bfloat16": "float32", "uint8": "uint8",
    "int16": "int16", "uint16": "uint16", "int32": "int32", "int64": "uint8", "uint64": "uint8",
    "bool": "uint8",
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), TORCH_DTYPES.items())
def test_torch_tensor(name, dtype):
    torch = pytest.importorskip("torch")
    tensor = torch.ones((2, 3), dtype=getattr(torch, name))
    assert dtype_name(tensor) == name
    host = to_host(tensor)
    assert (host.dtype, host.shape, host.min(), host.max()) == (np.dtype(dtype), (2, 3), 1, 1)


def test_torch_tensor_with_gradient():
    torch = pytest.importorskip("torch")
    assert to_host(torch.ones((2, 3), requires_grad=True)).sum() == 6


@pytest.mark.parametrize(
    ("name", "dtype"), [("float32", "float32"), ("bfloat16", "float32"), ("bool", "uint8")]
)
def test_jax_array(name, dtype):
    jax = pytest.importorskip("jax")
    host = to_host(jax.numpy.ones((2, 3), name))
    assert (host.dtype, host.shape, host.sum()) == (np.dtype(dtype), (2, 3), 6)


def test_no_array_library_but_numpy_is_imported():
    code = "import platecast.arrays, sys; assert not {'torch', 'cupy', 'jax', 'dask'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
