"""What we note in an OME-Zarr plate beside its OME metadata, so that every plane is found again.

OME metadata know positions along axes; they do not say which site, z_index or channel number a position
stands for, and which planes of an image were never written. These notes are kept under the attribute
``platecast`` of each group. Pure.
"""

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

import msgspec

from platecast.components import Components, Kind, PlateLayout

AXES = ("timepoint", "channel", "z_index")
"""The components that are axes of an image group's arrays, in the arrays' order."""

Value: TypeAlias = int | str | None
"""A component's value along an axis; `None` where the planes lack that component."""
Index: TypeAlias = tuple[int, int, int]
"""Position of a plane along `AXES`."""
Window: TypeAlias = tuple[float, float]
"""The values between which a channel is displayed."""

T = TypeVar("T")


class ChannelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a channel is called and coloured where it is more than its own value; colours are ``RRGGBB``."""

    value: int | str
    name: str = ""
    colour: str = ""


class PlateFacts(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="holds", tag="wells"
):
    """Noted in a plate's group; what was declared of it, before its first image or later."""

    version: int = 1
    plate: str | None = None
    layout: PlateLayout = PlateLayout()
    channels: tuple[ChannelFacts, ...] = ()

    def merged(self, new: "PlateFacts") -> "PlateFacts":
        """Return these facts with newer ones; what those do not state stays."""
        old, layout = self.layout, new.layout
        values = {
            name: tuple(dict.fromkeys((*getattr(old, name), *getattr(layout, name))))
            for name in ("well", "site", "channel", "z_index", "timepoint")
        }
        channels = {channel.value: channel for channel in (*self.channels, *new.channels)}
        return PlateFacts(
            plate=self.plate,
            layout=msgspec.structs.replace(
                old,
                pixel_size_um=layout.pixel_size_um or old.pixel_size_um,
                z_step_um=layout.z_step_um or old.z_step_um,
                images=(),
                **values,
            ),
            channels=tuple(channels.values()),
        )


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all planes of one image group have in common.

    A field whose planes differ in any of this (a projection beside its stack, a binned channel) has
    several image groups.

    Parameters
    ----------
    path
        Name of the group inside its well, or inside its ``labels`` group.
    site
        The field of view.
    axes
        Which of `AXES` the planes have.
    plane_shape
        ``(Y, X)``.
    samples
        1, or 3 and 4 for colours.
    dtype
        Name of the NumPy dtype.
    kind
        Image or labels.
    labels
        Name of the label image, for those inside a ``labels`` group.
    """

    path: str = ""
    site: int | None = None
    axes: tuple[str, ...] = ()
    plane_shape: tuple[int, int]
    samples: int = 1
    dtype: str
    kind: Kind = Kind.IMAGE
    labels: str = ""

    def holds(self, components: Components, labels: str) -> bool:
        """Return whether a plane of these components may be one of this group's."""
        return (self.site, self.axes, self.labels) == (components.site, axes_of(components), labels)


class ShelfFacts(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="holds", tag="images"
):
    """Noted in a well's group and in each ``labels`` group: the image groups in it."""

    images: tuple[ImageRecord, ...] = ()


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True, tag_field="holds", tag="planes"):
    """Noted in an image group: what its positions stand for. Positions are added and never change.

    Parameters
    ----------
    timepoint, channel, z_index
        Value at each position; one `None` where the planes lack the component.
    windows
        For each channel the values between which it is displayed, `None` before its first plane.
    """

    timepoint: tuple[int | None, ...]
    channel: tuple[int | str | None, ...]
    z_index: tuple[int | None, ...]
    windows: tuple[Window | None, ...]

    def index_of(self, components: Components) -> Index | None:
        """Return the position of a plane, `None` where there is none yet."""
        try:
            return (
                self.timepoint.index(components.timepoint),
                self.channel.index(components.channel),
                self.z_index.index(components.z_index),
            )
        except ValueError:
            return None

    def extent(self, samples: int) -> tuple[int, int, int]:
        """Return the lengths of the arrays' first three axes."""
        return len(self.timepoint), len(self.channel) * samples, len(self.z_index)

    def with_planes(self, planes: Iterable[Components]) -> "ImageFacts":
        """Return facts that have positions for these planes, too; new ones come last, in order."""
        planes = tuple(planes)
        channel = _with_values(self.channel, {plane.channel for plane in planes})
        return ImageFacts(
            timepoint=_with_values(self.timepoint, {plane.timepoint for plane in planes}),
            channel=channel,
            z_index=_with_values(self.z_index, {plane.z_index for plane in planes}),
            windows=self.windows + (None,) * (len(channel) - len(self.windows)),
        )


def empty_image(layout: PlateLayout, axes: tuple[str, ...]) -> ImageFacts:
    """Return the facts of an image group whose plate was declared to have this layout."""
    channel = layout.channel if "channel" in axes else ()
    return ImageFacts(
        timepoint=layout.timepoint if "timepoint" in axes else (),
        channel=channel,
        z_index=layout.z_index if "z_index" in axes else (),
        windows=(None,) * len(channel),
    )


def axes_of(components: Components) -> tuple[str, ...]:
    """Return which of `AXES` a plane has."""
    return tuple(name for name in AXES if getattr(components, name) is not None)


def _with_values(known: tuple[T, ...], wanted: set[T]) -> tuple[T, ...]:
    return known + tuple(sorted(wanted.difference(known), key=_order))


def _order(value: object) -> tuple[int, int, str]:
    """Order numbers before text."""
    return (0, value, "") if isinstance(value, int) else (1, 0, str(value))
