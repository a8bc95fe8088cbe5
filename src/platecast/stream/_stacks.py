"""A stack that is sent whole, as the planes it consists of. Pure."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import msgspec

from platecast.arrays import same_width
from platecast.components import Components
from platecast.errors import UnsupportedArrayError

_COMPONENTS = {"t": "timepoint", "c": "channel", "z": "z_index"}
_PLANES = ("yx", "yxs")
Channel = int | str | Sequence[int | str] | None


def planes_of(
    stack: object, axes: str, components: Components | None, channels: Channel
) -> Iterator[tuple[Any, Components]]:
    """Yield each plane of a stack, as a view, with its components.

    Parameters
    ----------
    stack
        An array of as many axes as `axes` has letters, on any device.
    axes
        Any of ``t``, ``c``, ``z``, then ``yx``, or ``yxs`` where the last axis holds RGB(A).
    components
        Of the whole; a number along an axis of the stack is that of its first plane, else 0.
    channels
        Along ``c``: a name or number for each, or the first number.

    Raises
    ------
    UnsupportedArrayError
        The axes are none of a stack, or not those of this array.
    """
    shape = tuple(int(length) for length in getattr(stack, "shape", ()))
    leading = _leading_axes(axes, shape)
    values: dict[str, Sequence[int | str]] = {}
    for letter, length in zip(leading, shape, strict=False):
        name = _COMPONENTS[letter]
        first = channels if letter == "c" else getattr(components, name, None)
        values[name] = _values(name, first, length)
    whole: Any = same_width(stack)
    known = {} if components is None else {n: getattr(components, n) for n in components.present}
    for index in product(*(range(length) for length, _ in zip(shape, leading, strict=False))):
        own = {name: values[name][i] for name, i in zip(values, index, strict=True)}
        yield whole[index], msgspec.convert(known | own, Components)


def _leading_axes(axes: str, shape: tuple[int, ...]) -> str:
    leading = next((axes.removesuffix(end) for end in reversed(_PLANES) if axes.endswith(end)), None)
    if leading is None or len(set(leading)) != len(leading) or not set(leading) <= _COMPONENTS.keys():
        raise UnsupportedArrayError(
            f"axes={axes!r}: expected any of t, c, z, each once, then 'yx', or 'yxs' for RGB; such as 'zyx'"
        )
    if len(axes) != len(shape):
        raise UnsupportedArrayError(f"axes={axes!r} are {len(axes)}, and the array has shape {shape}")
    if 0 in shape:
        raise UnsupportedArrayError(f"an array of shape {shape} holds no planes")
    return leading


def _values(name: str, first: Channel, length: int) -> Sequence[int | str]:
    if first is None or isinstance(first, int):
        start = first or 0
        return range(start, start + length)
    if isinstance(first, str) or len(first) != length:
        raise UnsupportedArrayError(
            f"{name}={first!r} does not name {length} planes: give a list of {length}"
        )
    if len(set(first)) != length:
        raise UnsupportedArrayError(f"{name}={first!r}: two planes have one name")
    return first
