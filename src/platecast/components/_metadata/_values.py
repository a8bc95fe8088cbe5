"""What is known of a plate, its channels and its images once an instrument's files are read."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from platecast.components._components import Components
from platecast.components._names import parse_name
from platecast.errors import UnrecognizedNameError


class ChannelInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an instrument states about one channel; `None` where it does not.

    Parameters
    ----------
    channel
        The channel as the images' components name it.
    name
        What the instrument or its user calls it: a stain, a filter, a contrast.
    excitation_nm, emission_nm
        Main wavelengths.
    exposure_s
        Exposure time.
    color
        ``#RRGGBB``.
    pixel_size_um
        Width of a pixel in the plane of the sample; pixels are square.
    shape
        Rows and columns of an image.
    binning
        Camera pixels along one side of a pixel.
    objective_magnification, objective_na
        Of the objective.
    """

    channel: int | str
    name: str | None = None
    excitation_nm: float | None = None
    emission_nm: float | None = None
    exposure_s: float | None = None
    color: str | None = None
    pixel_size_um: float | None = None
    shape: tuple[int, int] | None = None
    binning: int | None = None
    objective_magnification: float | None = None
    objective_na: float | None = None


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an instrument states about one image.

    Parameters
    ----------
    name
        Name of the file as it is recorded, relative to the file that records it, with ``/`` between folders;
        empty where the record is found in the image itself.
    components
        What the image is; `None` where the record states nothing of that.
    page
        Place of the image in a file of several, from 0.
    x_um, y_um
        Position of the stage or of the field inside its well, as the instrument counts it: see
        `PlateMetadata.y_up`.
    z_um
        Position of the focus: relative to the first slice or the autofocus where the instrument tells it, of
        the drive otherwise.
    absolute_z_um
        Position of the focus drive, where `z_um` is a relative one.
    acquired
        When it was taken; without a time zone where none is stated.
    """

    name: str = ""
    components: Components | None = None
    page: int = 0
    x_um: float | None = None
    y_um: float | None = None
    z_um: float | None = None
    absolute_z_um: float | None = None
    acquired: datetime | None = None


class PlateMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a plate; `None` or empty where it is not.

    Parameters
    ----------
    source
        The program or format whose files state it, such as ``Harmony V5``.
    plate
        Name or barcode.
    rows, columns
        Format of the plate: 16 and 24 for 384 wells.
    acquired
        When the measurement began.
    channels
        One entry a channel, in the order of the source.
    pixel_size_um
        Width of a pixel, where it is the same in all channels.
    z_step_um
        Distance between slices.
    y_up
        Whether `ImageRecord.y_um` grows towards the top of the image; it grows downwards otherwise, as rows
        do.
    records
        One entry an image.
    complaints
        What went wrong according to the instrument itself.
    """

    source: str = ""
    plate: str | None = None
    rows: int | None = None
    columns: int | None = None
    acquired: datetime | None = None
    channels: tuple[ChannelInfo, ...] = ()
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    y_up: bool | None = None
    records: tuple[ImageRecord, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def channel_names(self) -> dict[int | str, str]:
        """The names of the channels that have one."""
        return {info.channel: info.name for info in self.channels if info.name}


def merge_metadata(*parts: PlateMetadata) -> PlateMetadata:
    """Return what several files state together; where two differ, the first is believed.

    Examples
    --------
    >>> first = PlateMetadata(rows=8, channels=(ChannelInfo(channel=1, exposure_s=0.1),))
    >>> second = PlateMetadata(rows=16, columns=12, channels=(ChannelInfo(channel=1, name="DAPI"),))
    >>> both = merge_metadata(first, second)
    >>> both.rows, both.columns, both.channel_names
    (8, 12, {1: 'DAPI'})
    """
    channels: dict[int | str, ChannelInfo] = {}
    for info in (info for part in parts for info in part.channels):
        known = channels.get(info.channel)
        channels[info.channel] = info if known is None else _fill_channel(known, info)
    whole = PlateMetadata()
    for part in parts:
        whole = _fill_plate(whole, part)
    # A file's own value is that of its own channels: it does not speak for those of the others.
    stated = any(info.pixel_size_um for info in channels.values())
    return msgspec.structs.replace(
        whole,
        channels=tuple(channels.values()),
        pixel_size_um=common_pixel_size(channels.values()) if stated else whole.pixel_size_um,
        records=tuple(record for part in parts for record in part.records),
        complaints=tuple(complaint for part in parts for complaint in part.complaints),
    )


def _fill_channel(known: ChannelInfo, other: ChannelInfo) -> ChannelInfo:
    return msgspec.structs.replace(known, **_absent_in(known, other))


def _fill_plate(known: PlateMetadata, other: PlateMetadata) -> PlateMetadata:
    return msgspec.structs.replace(known, **_absent_in(known, other))


def _absent_in(known: msgspec.Struct, other: msgspec.Struct) -> dict[str, object]:
    return {
        name: getattr(other, name)
        for name in known.__struct_fields__
        if getattr(known, name) in (None, "", ())
    }


def name_first(name: str, stated: Components) -> Components:
    """Return what an image's name states, and of the rest what its record states.

    For instruments whose records count otherwise than their names, which are what people know.
    """
    try:
        named = parse_name(name)
    except UnrecognizedNameError:
        return stated
    return msgspec.structs.replace(stated, **{part: getattr(named, part) for part in named.present})


def common_pixel_size(channels: Iterable[ChannelInfo]) -> float | None:
    """Return the pixel size of all channels that state one, `None` where they differ or there is none."""
    sizes = {info.pixel_size_um for info in channels if info.pixel_size_um is not None}
    return sizes.pop() if len(sizes) == 1 else None


def z_step_of(records: Iterable[ImageRecord]) -> float | None:
    """Return the distance between slices that most stacks have, to the nanometre.

    A stack is measured from its first to its last slice, because a drive's own readings scatter.
    """
    ends: dict[object, tuple[tuple[int, float], tuple[int, float]]] = {}
    for record in records:
        what = record.components
        if what is None or what.z_index is None or record.z_um is None:
            continue
        here = (what.z_index, record.z_um)
        stack = (what.plate, what.well, what.site, what.channel, what.timepoint)
        first, last = ends.get(stack, (here, here))
        ends[stack] = (min(first, here), max(last, here))
    steps = Counter(
        round(abs(last[1] - first[1]) / (last[0] - first[0]), 3)
        for first, last in ends.values()
        if last[0] > first[0]
    )
    step = steps.most_common(1)[0][0] if steps else 0.0
    return step or None
