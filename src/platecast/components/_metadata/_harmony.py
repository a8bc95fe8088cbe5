"""Harmony's index of a measurement (Opera Phenix, Operetta), versions 1 to 7.

One `Image` element an image. What is the same for all images of a channel stands in every image until version
5 and from version 6 on once, in the entries of `Maps`, where the channel's number is an attribute. Lengths
are in metres, and y grows upwards. `TimepointID` counts from 0 until version 5 and from 1 in version 7; the K
in an image's `id` (``0101K1F1P1R1``) and ``sk`` in its file's name count from 1 in all of them.
"""

import re

from platecast.components._components import Components
from platecast.components._metadata._text import cut_out, elements, shifted, to_float, to_int, to_time
from platecast.components._metadata._values import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    common_pixel_size,
    z_step_of,
)
from platecast.errors import MetadataError

_VERSION = re.compile(r'xmlns(?::\w+)?="[^"]*/HarmonyV([0-9]+)"')
_HEAD = 4096
_BUFFER = re.compile(r'BufferNo="([0-9]+)"', re.ASCII)
_ID_TIMEPOINT = re.compile(r"K([0-9]+)", re.ASCII)
_NAME_TIMEPOINT = re.compile(r"sk([0-9]+)fk", re.ASCII)
_LAST_VERSION_FROM_ZERO = 5
_M_TO_UM = 6


def read_harmony(text: str) -> PlateMetadata:
    """Return what an ``Index.idx.xml``, ``Index.ref.xml`` or ``Index.xml`` states.

    Raises
    ------
    MetadataError
        It is damaged, or none of Harmony's indexes.
    """
    found = _VERSION.search(text[:_HEAD])
    version = int(found[1]) if found else None
    plate: dict[str, str] = {}
    channels: dict[int, dict[str, str]] = {}
    records: list[ImageRecord] = []
    complaints: list[str] = []
    images, rest = cut_out(text, "Image")
    for element in elements(rest, "Plate", "Image", "Entry"):
        inside = element.texts()
        if "PlateRows" in inside:
            plate = plate or inside
        elif "URL" in inside:
            url = element.find("URL")
            page = to_int(url.attributes.get("BufferNo")) if url is not None else None
            _add_image(inside, page or 0, version, plate, channels, records, complaints)
        else:
            number = to_int(element.attributes.get("ChannelID") or inside.get("ChannelID"))
            if number is not None:
                channels.setdefault(number, {}).update(inside)
    for inside, body in images:
        if "URL" in inside:
            buffer = _BUFFER.search(body)
            page = int(buffer[1]) if buffer else 0
            _add_image(inside, page, version, plate, channels, records, complaints)
    if not (plate or channels or records):
        raise MetadataError("no index of Harmony: it has neither plate nor images")
    infos = tuple(_channel(number, inside) for number, inside in sorted(channels.items()))
    return PlateMetadata(
        source=f"Harmony V{version}" if version else "Harmony",
        plate=_plate_name(plate),
        rows=to_int(plate.get("PlateRows")),
        columns=to_int(plate.get("PlateColumns")),
        acquired=to_time(plate.get("MeasurementStartTime")),
        channels=infos,
        pixel_size_um=common_pixel_size(infos),
        z_step_um=z_step_of(records),
        y_up=True,
        records=tuple(records),
        complaints=tuple(complaints),
    )


def _plate_name(plate: dict[str, str]) -> str | None:
    return plate.get("PlateID") or plate.get("Name") or None


def _add_image(
    inside: dict[str, str],
    page: int,
    version: int | None,
    plate: dict[str, str],
    channels: dict[int, dict[str, str]],
    records: list[ImageRecord],
    complaints: list[str],
) -> None:
    name = inside["URL"].replace("\\", "/")
    try:
        channel = int(inside["ChannelID"])
        components = Components(
            plate=_plate_name(plate),
            well=f"r{inside['Row']}c{inside['Col']}",
            site=to_int(inside.get("FieldID")),
            channel=channel,
            z_index=to_int(inside.get("PlaneID")),
            timepoint=_timepoint(inside, version),
        )
    except (KeyError, ValueError) as error:
        complaints.append(f"the record of {name or 'an image without a file'} is not usable: {error}")
        return
    if channel not in channels or "ImageResolutionX" not in channels[channel]:
        channels.setdefault(channel, {}).update(inside)
    records.append(
        ImageRecord(
            name=name,
            components=components,
            page=page,
            x_um=shifted(inside.get("PositionX"), _M_TO_UM),
            y_um=shifted(inside.get("PositionY"), _M_TO_UM),
            z_um=shifted(inside.get("PositionZ"), _M_TO_UM),
            absolute_z_um=shifted(inside.get("AbsPositionZ"), _M_TO_UM),
            acquired=to_time(inside.get("AbsTime")),
        )
    )


def _timepoint(inside: dict[str, str], version: int | None) -> int | None:
    from_one = _ID_TIMEPOINT.search(inside.get("id", "")) or _NAME_TIMEPOINT.search(inside["URL"])
    if from_one is not None:
        return int(from_one[1])
    number = to_int(inside.get("TimepointID"))
    if number is None:
        return None
    return number + 1 if version is not None and version <= _LAST_VERSION_FROM_ZERO else number


def _channel(number: int, inside: dict[str, str]) -> ChannelInfo:
    rows, columns = to_int(inside.get("ImageSizeY")), to_int(inside.get("ImageSizeX"))
    return ChannelInfo(
        channel=number,
        name=inside.get("ChannelName") or None,
        # Transmitted light has no emission, which is written as 0.
        excitation_nm=to_float(inside.get("MainExcitationWavelength")) or None,
        emission_nm=to_float(inside.get("MainEmissionWavelength")) or None,
        exposure_s=to_float(inside.get("ExposureTime")),
        pixel_size_um=shifted(inside.get("ImageResolutionX"), _M_TO_UM) or None,
        shape=(rows, columns) if rows and columns else None,
        binning=to_int(inside.get("BinningX")),
        objective_magnification=to_float(inside.get("ObjectiveMagnification")),
        objective_na=to_float(inside.get("ObjectiveNA")),
    )
