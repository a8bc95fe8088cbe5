"""Planes go from where a library keeps them straight into the memory that travels.

The cases of a GPU run where there is one; those of the processor hold the same promise.
"""

import sys

import numpy as np
import pytest

from platecast.arrays import copy_into, describe, dtype_name, to_host
from platecast.components import Components
from platecast.stream import Stream
from platecast.stream._links import links
from tests.receiving import viewer_on

SHAPE = (4096, 8192)
MB = 2**20


def torch_on(device):
    torch = pytest.importorskip("torch")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU that torch can use")
    return lambda values, dtype: torch.from_numpy(values).to(device).to(getattr(torch, dtype))


def cupy_on(device):
    cupy = pytest.importorskip("cupy", reason="no CuPy, which has no arrays without a GPU")
    if not cupy.cuda.is_available():
        pytest.skip("no GPU that CuPy can use")
    return lambda values, dtype: cupy.asarray(values).astype(dtype)


def jax_on(device):
    jax = pytest.importorskip("jax")
    return lambda values, dtype: jax.numpy.asarray(values, dtype)


LIBRARIES = {
    "torch on the processor": (torch_on, "cpu"),
    "JAX on the processor": (jax_on, "cpu"),
    "torch on a GPU": (torch_on, "cuda"),
    "CuPy": (cupy_on, "cuda"),
}


@pytest.fixture(params=LIBRARIES)
def make(request):
    """Return a function that makes an array of a library from values and the name of a dtype."""
    library, device = LIBRARIES[request.param]
    return library(device)


DTYPES = ("uint8", "uint16", "int16", "int32", "float32", "float16", "bfloat16", "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_value_arrives(make, dtype):
    values = np.arange(6 * 8).reshape(6, 8).astype("float32") % 2
    if (
        dtype == "bfloat16"
        and "cupy" in sys.modules
        and isinstance(make(values, "uint8"), sys.modules["cupy"].ndarray)
    ):
        pytest.skip("CuPy has no bfloat16")
    array = make(values, dtype)
    shape, described = describe(array)
    out = np.empty(shape, described)
    copy_into(array, out)
    np.testing.assert_array_equal(out, values)
    np.testing.assert_array_equal(to_host(array), values)
    assert dtype_name(array) == dtype


def test_view_of_an_array_arrives(make):
    values = np.arange(12 * 8).reshape(12, 8).astype("uint16")
    array = make(values, "uint16")[::2, 1:7].T
    out = np.empty((6, 6), "uint16")
    copy_into(array, out)
    np.testing.assert_array_equal(out, values[::2, 1:7].T)


def memory_mb(name):
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for a peak of memory")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_no_second_copy_on_the_host(make, dtype):
    array = make(np.ones(SHAPE, "float32"), dtype)
    getattr(array, "block_until_ready", int)()  # JAX makes it in the background
    out = np.full(SHAPE, 2, "float32")
    copy_into(make(np.ones((8, 8), "float32"), dtype), np.empty((8, 8), "float32"))  # what is made once
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before_mb = memory_mb("VmRSS")
    copy_into(array, out)
    assert memory_mb("VmHWM") - before_mb < out.nbytes / MB / 4
    assert (out[0, 0], out[-1, -1]) == (1, 1)


def test_plane_on_a_device_is_sent(make, free_port):
    values = (np.arange(1024 * 1024).reshape(1024, 1024) % 65536).astype("uint16")
    with viewer_on(free_port) as viewer:
        with Stream(port=free_port) as stream:
            stream.send(make(values, "uint16"), well="A01", channel="DAPI")
            assert stream.flush(10).shown == 1
        links.close_all()
    (arrival,) = viewer.planes
    assert arrival.plane.components == Components(well="A01", channel="DAPI")
    np.testing.assert_array_equal(arrival.array, values)
