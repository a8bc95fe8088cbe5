"""Any array on any device to a plane in host memory; imports no GPU library.

Knows shapes, dtypes and how each array library copies to the host. A library is recognized by the
module its array's type comes from, and is therefore already imported when it is needed. What the
pixels mean is left to others.

Only conversions that lose nothing are made:

====================================================  ==========================================
dtype of the array                                    dtype of the plane
====================================================  ==========================================
uint8, uint16, uint32, int8, int16, int32,            the same
float32, float64
bool                                                  uint8
float16, bfloat16                                     float32
int64, uint64                                         the first of uint8, uint16, uint32 and
                                                      int32 that holds the values
anything else                                         `UnsupportedArrayError`
====================================================  ==========================================
"""

import sys
from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from platecast.errors import UnsupportedArrayError

_AS_THEY_ARE = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
_WIDENED = {"bool": "uint8", "float16": "float32", "bfloat16": "float32"}
_BY_VALUE = ("int64", "uint64")
_TO_HOST = ("__array__", "__array_interface__", "__dlpack__", "copy_to_host")
_NATIVE = frozenset(np.dtype(name) for name in _AS_THEY_ARE)
_NARROWED = ("uint8", "uint16", "uint32", "int32")


class _Array(Protocol):
    """What every array library agrees on."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...  # noqa: ANN401 (each library has a type of its own)


PLANE_DTYPES: tuple[str, ...] = _AS_THEY_ARE
"""Names of the dtypes that a plane can have; all are native-endian."""


def dtype_name(array: object) -> str:
    """Return the name of an array's own dtype, such as ``uint16`` or ``bfloat16``; moves no pixels."""
    dtype = _with_dtype(array).dtype
    if _library(array) == "torch":
        return str(dtype).removeprefix("torch.")
    # Big-endian dtypes have the name of their native twins.
    return str(np.dtype(dtype).name)


def describe(array: object) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and dtype of the plane that an array becomes.

    No pixels leave the device. Only 64-bit integers are looked at at all, for their smallest and
    largest value.

    Parameters
    ----------
    array
        ``(Y, X)`` or ``(Y, X, 3 | 4)``, on any device.

    Returns
    -------
    shape, dtype
        What a buffer for `copy_into` needs; `dtype` is one of `PLANE_DTYPES`.

    Raises
    ------
    UnsupportedArrayError
        The array is no plane, or its values do not fit a dtype that can travel.

    Examples
    --------
    >>> describe(np.zeros((4, 6), bool))
    ((4, 6), dtype('uint8'))
    """
    if (
        type(array) is np.ndarray and array.dtype in _NATIVE
    ):  # what nearly all planes are, in a third of the time
        _check_shape(array.shape)
        return array.shape, array.dtype
    source = _with_dtype(array)
    shape = tuple(int(length) for length in source.shape)
    _check_shape(shape)
    name = dtype_name(source)
    if name in _AS_THEY_ARE:
        return shape, np.dtype(name)
    if name in _WIDENED:
        return shape, np.dtype(_WIDENED[name])
    if name in _BY_VALUE:
        return shape, _smallest_integer(*_limits(source))
    raise UnsupportedArrayError(
        f"an array of dtype {name} cannot be shown or stored as a plane:"
        f" convert it to one of {', '.join(PLANE_DTYPES)}"
    )


def to_host(array: object) -> npt.NDArray[Any]:
    """Return an array as a plane in host memory, copied at most once.

    An array that is in host memory already and has a dtype that a plane can have is returned as it is,
    with its memory shared.

    Parameters
    ----------
    array
        ``(Y, X)`` or ``(Y, X, 3 | 4)``, on any device.

    Returns
    -------
    numpy.ndarray
        The same shape, with a dtype out of `PLANE_DTYPES`.

    Raises
    ------
    UnsupportedArrayError
        As for `describe`.
    """
    if isinstance(array, np.ndarray):
        _, dtype = describe(array)
        return array.astype(dtype, copy=False)
    source = _with_dtype(array)
    shape, dtype = describe(source)
    if _library(source) in _ON_DEVICE:
        out = np.empty(shape, dtype)
        copy_into(source, out)
        return out
    return _host_view(source).astype(dtype, copy=False)


def to_numpy(values: object) -> npt.NDArray[Any]:
    """Return an array of any shape on any device, or nested sequences, as a NumPy array on the host.

    Parameters
    ----------
    values
        Of any dtype that NumPy has; nothing is converted.

    Raises
    ------
    UnsupportedArrayError
        The array is on a device that cannot be read.
    ValueError
        Sequences are of different lengths.
    """
    library = _library(values)
    if library == "torch":
        return np.asarray(cast("Any", values).detach().cpu().numpy())
    if library == "cupy":
        return np.asarray(cast("Any", values).get())
    if any(hasattr(values, name) for name in _TO_HOST):
        return _host_view(values)
    return np.asarray(values)


def as_labels(array: object) -> npt.NDArray[Any]:
    """Return a label image in an unsigned dtype that its neighbours are likely to have, too.

    Booleans become uint8. Signed and 64-bit labels become uint16, or uint32 where that is too small: never
    uint8, for a well of few objects would then differ from its crowded neighbour.

    Parameters
    ----------
    array
        ``(Y, X)`` integers or booleans, on any device.

    Raises
    ------
    UnsupportedArrayError
        The array is no plane of integers, or holds negative ones.
    """
    plane = to_host(array)
    if plane.ndim != 2 or plane.dtype.kind not in "iu":
        raise UnsupportedArrayError(
            f"labels must be integers of shape (Y, X), not {plane.dtype} of {plane.shape}: is this an image?"
        )
    if dtype_name(array) in ("bool", "uint8", "uint16", "uint32"):
        return plane
    if plane.min() < 0:
        raise UnsupportedArrayError(f"labels must not be negative, and {plane.min()} is: is this an image?")
    return plane.astype(np.uint16 if plane.max() <= np.iinfo(np.uint16).max else np.uint32)


def same_width(stack: object) -> object:
    """Return a stack whose planes all get one dtype when they are sent; the stack itself wherever possible.

    Planes of 64-bit integers are narrowed each on its own, and those of one stack would part.
    """
    source = _with_dtype(stack)
    if dtype_name(source) not in _BY_VALUE:
        return source
    return to_numpy(source).astype(_smallest_integer(*_limits(source)))


def copy_into(array: object, out: npt.NDArray[Any]) -> None:
    """Copy an array from whatever device it is on straight into a buffer.

    Parameters
    ----------
    array
        ``(Y, X)`` or ``(Y, X, 3 | 4)``, on any device.
    out
        C-contiguous and writable, with the shape and the dtype that `describe` returned.

    Raises
    ------
    UnsupportedArrayError
        The buffer does not fit the array.
    """
    source = _with_dtype(array)
    shape = tuple(int(length) for length in source.shape)
    if shape != out.shape or not _holds(out.dtype, source):
        raise UnsupportedArrayError(
            f"a buffer of {out.shape} {out.dtype} does not fit an array of {shape} {dtype_name(source)}"
        )
    copy = _ON_DEVICE.get(_library(source))
    if copy is not None:
        copy(source, out)
    else:
        np.copyto(out, _host_view(source), casting="unsafe")


def stack_planes(planes: Sequence[object], lengths: tuple[int, ...]) -> object:
    """Return planes of one shape as one array, by the library and on the device they are on.

    Parameters
    ----------
    planes
        The planes, the last of the new axes changing fastest.
    lengths
        Lengths of the new axes, which come first; their product is the number of planes.

    Raises
    ------
    UnsupportedArrayError
        They differ in shape, or are of several libraries.
    """
    shapes = {tuple(_with_dtype(plane).shape) for plane in planes}
    libraries = {_library(plane) for plane in planes}
    if len(shapes) > 1 or len(libraries) > 1:
        raise UnsupportedArrayError(
            f"planes of {' and '.join(map(str, sorted(shapes)))} from {' and '.join(sorted(libraries))}"
            " are no stack"
        )
    first = planes[0]
    # Libraries without this attribute have a stack() of the same meaning.
    space = getattr(first, "__array_namespace__", None)
    module = space() if space is not None else sys.modules.get(libraries.pop())
    stack: Any = getattr(module, "stack", np.stack)
    stacked: Any = stack(list(planes))
    return cast("object", stacked.reshape(lengths + tuple(stacked.shape[1:])))


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4)):
        if 0 not in shape:
            return
        raise UnsupportedArrayError(f"an array of shape {shape} holds no pixels")
    raise UnsupportedArrayError(
        f"an array of shape {shape} is not a plane: expected (Y, X) or (Y, X, 3 | 4);"
        " take a stack plane by plane, or send it with axes='zyx' or the like"
    )


def _smallest_integer(lowest: int, highest: int) -> np.dtype[Any]:
    for name in _NARROWED:
        limits = np.iinfo(name)
        if limits.min <= lowest and highest <= limits.max:
            return np.dtype(name)
    raise UnsupportedArrayError(
        f"integers from {lowest} to {highest} fit neither uint32 nor int32: scale them or convert to float64"
    )


def _holds(dtype: np.dtype[Any], source: _Array) -> bool:
    name = dtype_name(source)
    if name not in _BY_VALUE:
        return dtype.name == _WIDENED.get(name, name)
    if dtype.name not in _NARROWED:
        return False
    limits, (lowest, highest) = np.iinfo(dtype), _limits(source)
    return bool(limits.min <= lowest and highest <= limits.max)


def _limits(source: Any) -> tuple[int, int]:  # noqa: ANN401 (any array)
    """Return the smallest and the largest value, computed where the array is, if its library can."""
    if hasattr(source, "min"):
        try:
            return int(source.min()), int(source.max())
        except NotImplementedError:  # torch has none for uint64
            pass
    host = to_numpy(source)
    return int(host.min()), int(host.max())


def _library(array: object) -> str:
    return type(array).__module__.partition(".")[0]


def _with_dtype(array: object) -> _Array:
    """Return something with shape and dtype: the array itself wherever possible."""
    if isinstance(array, np.ma.MaskedArray):
        raise UnsupportedArrayError("a masked array has no value where it is masked: use its filled(value)")
    if hasattr(array, "shape") and hasattr(array, "dtype"):
        return cast("_Array", array)
    if any(hasattr(array, name) for name in _TO_HOST):
        return _host_view(array)
    raise UnsupportedArrayError(
        f"{type(array).__name__} is not an array: pass a NumPy, PyTorch, CuPy or JAX array,"
        " or anything with __array__"
    )


def _host_view(array: object) -> npt.NDArray[Any]:
    """Return an array as NumPy sees it, sharing memory where it is on the host."""
    if isinstance(array, np.ndarray):
        return array
    if hasattr(array, "copy_to_host"):  # Numba's device arrays
        return np.asarray(array.copy_to_host())
    if hasattr(array, "__array__") or hasattr(array, "__array_interface__"):
        return np.asarray(array)
    try:
        return np.from_dlpack(cast("Any", array))
    except (BufferError, RuntimeError, TypeError) as error:
        raise UnsupportedArrayError(
            f"{type(array).__module__}.{type(array).__name__} is on a device that NumPy cannot read:"
            " copy it to the host first"
        ) from error


def _copy_from_torch(tensor: Any, out: npt.NDArray[Any]) -> None:  # noqa: ANN401 (no import)
    torch = sys.modules["torch"]
    # Converts and crosses the bus in one go: no second tensor in host memory.
    torch.from_numpy(out).copy_(tensor.detach())


def _copy_from_cupy(array: Any, out: npt.NDArray[Any]) -> None:  # noqa: ANN401 (no import)
    array.astype(out.dtype, copy=False).get(out=out)


def _copy_from_numba(array: Any, out: npt.NDArray[Any]) -> None:  # noqa: ANN401 (no import)
    if np.dtype(array.dtype) == out.dtype and array.flags["C_CONTIGUOUS"]:
        array.copy_to_host(out)
    else:
        np.copyto(out, array.copy_to_host(), casting="unsafe")


_ON_DEVICE = {"torch": _copy_from_torch, "cupy": _copy_from_cupy, "numba": _copy_from_numba}
