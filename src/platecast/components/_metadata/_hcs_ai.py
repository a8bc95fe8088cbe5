"""Molecular Devices' files beside the images of ImageXpress HCS.ai: a ``.jdce`` and tables of images.

The ``.jdce`` is JSON and has the protocol; the tables, ``image_metadata_1.csv`` and on, have a row an image.
Everything counts from 0, as the names do, but rows and columns. The time zone that is stated is not the one
of the times.
"""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from platecast.components._components import Components
from platecast.components._metadata._text import to_float, to_int, to_length, to_time
from platecast.components._metadata._values import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    common_pixel_size,
    name_first,
    z_step_of,
)
from platecast.errors import MetadataError

_SOURCE = "ImageXpress HCS.ai"
_UM_PER = {"um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "mm": 1e3}


def read_jdce(text: str) -> PlateMetadata:
    """Return what a ``.jdce`` file states.

    Raises
    ------
    MetadataError
        It is damaged, or no such file.
    """
    try:
        stack = json.loads(text)["ImageStack"]
        protocol = _part(stack, "AutoLeadAcquisitionProtocol")
    except (ValueError, LookupError, TypeError) as error:
        raise MetadataError(f"it has no ImageStack: {error}") from error
    plate, created = _part(protocol, "Plate"), _part(stack, "Creation")
    wavelengths = [each for each in protocol.get("Wavelengths") or () if isinstance(each, dict)]
    channels = tuple(_channel(number, each, protocol) for number, each in enumerate(wavelengths))
    steps = {to_length(_text(each.get("ZStep"))) for each in wavelengths} - {None}
    planned = _part(_part(protocol, "PlateMap"), "ZDimensionParameters")
    return PlateMetadata(
        source=_SOURCE,
        plate=_text(stack.get("PlateId")) or _text(plate.get("Name")),
        rows=to_int(_text(plate.get("Rows"))),
        columns=to_int(_text(plate.get("Columns"))),
        acquired=to_time(" ".join(filter(None, (_text(created.get("Date")), _text(created.get("Time")))))),
        channels=channels,
        pixel_size_um=common_pixel_size(channels),
        z_step_um=steps.pop() if len(steps) == 1 else to_length(_text(planned.get("Step"))),
    )


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _channel(number: int, wavelength: dict[str, Any], protocol: dict[str, Any]) -> ChannelInfo:
    objective, camera = _part(protocol, "ObjectiveCalibration"), _part(protocol, "Camera")
    emission, excitation = _part(wavelength, "EmissionFilter"), _part(wavelength, "ExcitationFilter")
    size = _part(camera, "Size")
    rows, columns = to_int(_text(size.get("Height"))), to_int(_text(size.get("Width")))
    width, unit = to_length(_text(objective.get("PixelWidth"))), _text(objective.get("Unit")) or "um"
    index = to_int(_text(wavelength.get("Index")))
    return ChannelInfo(
        channel=number if index is None else index,
        name=_text(emission.get("Name")),
        excitation_nm=to_length(_text(excitation.get("Wavelength"))),
        emission_nm=to_length(_text(emission.get("Wavelength"))),
        pixel_size_um=None if width is None or unit not in _UM_PER else width * _UM_PER[unit],
        shape=(rows, columns) if rows and columns else None,
        binning=to_int((_text(camera.get("Binning")) or "").partition(" ")[0]),
        objective_magnification=to_float(_text(objective.get("Magnification"))),
        objective_na=to_float(_text(objective.get("NumericalAperture"))),
    )


def read_image_table(text: str) -> PlateMetadata:
    """Return the images that an ``image_metadata_1.csv`` lists.

    Raises
    ------
    MetadataError
        It has no column of file names.
    """
    table = csv.DictReader(io.StringIO(text))
    if "ImageFileName" not in (table.fieldnames or ()):
        raise MetadataError("it has no column ImageFileName")
    records: list[ImageRecord] = []
    complaints: list[str] = []
    for row in table:
        file = (row.get("ImageFileName") or "").strip()
        folder = (row.get("ImageSubFolderPath") or "").strip().replace("\\", "/").strip("/")
        name = f"{folder}/{file}" if folder else file
        try:
            if file:
                records.append(_record(name, row))
        except ValueError as error:
            complaints.append(f"the row of {name} is not usable: {error}")
    return PlateMetadata(
        source=_SOURCE, z_step_um=z_step_of(records), records=tuple(records), complaints=tuple(complaints)
    )


def _record(name: str, row: dict[str, str]) -> ImageRecord:
    well = row.get("Well") or f"r{row.get('Row')}c{row.get('Column')}"
    seconds = to_float(row.get("TimeStampSec"))
    components = Components(
        well=well,
        site=to_int(row.get("Field")),
        channel=to_int(row.get("Wavelength")),
        z_index=to_int(row.get("ZIndex")),
        timepoint=to_int(row.get("Timepoint")),
    )
    return ImageRecord(
        name=name,
        components=name_first(name, components),
        x_um=to_float(row.get("PositionXUm")),
        y_um=to_float(row.get("PositionYUm")),
        z_um=to_float(row.get("PositionZUm")),
        acquired=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
    )
