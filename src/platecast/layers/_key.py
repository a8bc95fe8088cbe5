"""Which layer a plane belongs to, and where inside it.

Everything that must not share a layer is part of the key; everything that is a position along a slider
is part of the index. Names and pixels are the business of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from platecast.components import Components, Kind, PlaneId, StepId
from platecast.config import Display
from platecast.errors import UnsupportedArrayError

Value = int | str
"""A value of one component."""
Index = tuple[Value, ...]
"""The values of a key's stacked components, in the order of `AXIS_NAMES`."""

AXIS_NAMES: tuple[str, ...] = ("well", "site", "channel", "timepoint", "z_index")
"""The components that can be an axis, in the order in which every layer has them, before Y and X."""


@dataclass(frozen=True, slots=True)
class LayerKey:
    """What all planes of one layer have in common.

    Parameters
    ----------
    run
        The execution that made them; empty where a later run replaces an earlier one in place.
    plate
        Their plate, if it is known.
    step
        The step that made them.
    kind
        What their values mean.
    sliced
        Names and values of the components that have layers of their own, in the order of `AXIS_NAMES`.
    present
        The components that the planes have at all, without the plate, in the order of `AXIS_NAMES`.
    shape
        Shape of one plane, ``(Y, X)`` or ``(Y, X, 3 | 4)``; Y and X are 0 where planes of all sizes share
        the layer, see `is_padded`. Of records, ``(2,)``, or ``(3,)`` where they have a z of their own.
    dtype
        Name of the data type in which the layer is read.
    """

    run: str
    plate: str | None
    step: StepId | None
    kind: Kind
    sliced: tuple[tuple[str, Value], ...]
    present: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str

    @property
    def is_padded(self) -> bool:
        """Whether planes smaller than the largest of the layer are padded when they are read."""
        return 0 in self.shape

    @property
    def is_records(self) -> bool:
        """Whether the layer holds points, shapes, tracks or vectors, and no pixels."""
        return len(self.shape) == 1

    @property
    def is_labels(self) -> bool:
        """Whether its pixels are labels, sent as such or painted from polygons."""
        return not self.is_records and self.kind in (Kind.LABELS, Kind.SHAPES)

    @property
    def stacked(self) -> tuple[str, ...]:
        """The components along which the layer varies, in the order of `AXIS_NAMES`."""
        sliced = {name for name, _ in self.sliced}
        return tuple(name for name in self.present if name not in sliced)

    @property
    def channel(self) -> Value | None:
        """The one channel of the layer; `None` where channels are an axis or unknown."""
        return dict(self.sliced).get("channel")


def place(
    plane: PlaneId, display: Display, shape: Sequence[int], dtype: npt.DTypeLike
) -> tuple[LayerKey, Index]:
    """Return the layer of a plane and its index inside that layer.

    Parameters
    ----------
    plane
        What the plane is.
    display
        Which components are layers, and whether runs replace each other.
    shape, dtype
        Of its pixels; of records, the number of axes in space.

    Raises
    ------
    UnsupportedArrayError
        Its kind, shape or data type cannot be shown as pixels.
    """
    components = plane.components
    values = {name: getattr(components, name) for name in AXIS_NAMES}
    present = tuple(name for name in AXIS_NAMES if values[name] is not None)
    key = LayerKey(
        run="" if display.replace_layers else plane.run,
        plate=components.plate,
        step=plane.step,
        kind=plane.kind,
        sliced=tuple((name, values[name]) for name in present if name in display.sliced),
        present=present,
        shape=_layer_shape(plane.kind, tuple(shape), display),
        dtype=_layer_dtype(plane.kind, tuple(shape), np.dtype(dtype)),
    )
    return key, tuple(values[name] for name in key.stacked)


def components_of(key: LayerKey, index: Index) -> Components:
    """Return what the plane at an index of a layer is."""
    values = dict(key.sliced) | dict(zip(key.stacked, index, strict=True))
    return msgspec.convert({"plate": key.plate, **values}, Components)


def regrouped(key: LayerKey, index: Index, sliced: Sequence[str]) -> tuple[LayerKey, Index]:
    """Return where a plane belongs when other components are layers; nothing else of its key changes.

    Parameters
    ----------
    key, index
        Where it is.
    sliced
        The components that are to have layers of their own.
    """
    values = dict(key.sliced) | dict(zip(key.stacked, index, strict=True))
    pairs = tuple((name, values[name]) for name in key.present if name in sliced)
    moved = replace(key, sliced=pairs)
    return moved, tuple(values[name] for name in moved.stacked)


def _layer_shape(kind: Kind, shape: tuple[int, ...], display: Display) -> tuple[int, ...]:
    """Return the shape of a layer's planes.

    Painted polygons share a layer whatever their size: it may be that of the polygons alone, where no image
    had come yet.
    """
    is_padded = len(shape) > 1 and (display.pad_to_max or kind is Kind.SHAPES)
    return (0, 0, *shape[2:]) if is_padded else shape


def _layer_dtype(kind: Kind, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    """Return the data type of the layer that holds such planes.

    Senders narrow each label image on its own, so 8 and 16 bits share one layer of 16; booleans are read
    as bytes, because napari takes no boolean labels; byte order is no reason for another layer.
    """
    if not kind.is_pixels and len(shape) == 1:
        return "float32"
    if not kind.is_pixels and kind is not Kind.SHAPES:
        raise UnsupportedArrayError(f"{kind} are no pixels, and came with shape {shape}")
    is_rgb = len(shape) == 3 and shape[2] in (3, 4)
    if not (len(shape) == 2 or (is_rgb and kind is Kind.IMAGE)) or 0 in shape:
        raise UnsupportedArrayError(
            f"{kind} of shape {shape} is no plane: expected (Y, X), or (Y, X, 3 | 4) for an RGB image"
        )
    if dtype.kind not in ("buif" if kind is Kind.IMAGE else "bui"):
        raise UnsupportedArrayError(f"{kind} of dtype {dtype} cannot be shown")
    if kind is not Kind.IMAGE and dtype.kind in "bu" and dtype.itemsize <= 2:
        return "uint16"
    return "uint8" if dtype.kind == "b" else dtype.newbyteorder("=").name
