"""Cytiva's description of a plate (``.xdce``), which IN Cell Analyzers write and IN Carta reads.

One XML document: the protocol (objective, camera, plate, wavelengths) and an `Image` an image. Its
`Identifier` counts from 0 what names count from 1, and numbers channels that the names of IN Cell spell out,
so that what a name states is kept and the rest is counted as names count. The plate's own `name` is the kind
of plate.
"""

import re
from datetime import UTC, datetime

from platecast.components._components import Components
from platecast.components._metadata._text import XmlElement, elements, to_float, to_int, to_length, to_time
from platecast.components._metadata._values import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    common_pixel_size,
    name_first,
    z_step_of,
)
from platecast.errors import MetadataError

_PLATE_ID = re.compile(r'<ImageStack\b[^>]*\bPlateID="([^"]+)"')
_HEAD = 4096
_S_PER = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_AXES = {"field_index": "site", "z_index": "z_index", "time_index": "timepoint", "wave_index": "channel"}


def read_xdce(text: str) -> PlateMetadata:
    """Return what an ``.xdce`` file states.

    Raises
    ------
    MetadataError
        It is damaged, or no such file.
    """
    protocol: XmlElement | None = None
    created: dict[str, str] = {}
    images: list[XmlElement] = []
    for element in elements(text, "AutoLeadAcquisitionProtocol", "Creation", "Image"):
        if element.name == "Image":
            images.append(element)
        elif element.name == "Creation":
            created = element.attributes
        else:
            protocol = protocol or element
    if protocol is None:
        raise MetadataError("it has no AutoLeadAcquisitionProtocol")
    plate_id = _PLATE_ID.search(text[:_HEAD])
    varying = {
        axis
        for axis in _AXES
        if axis in ("field_index", "wave_index") or any(_index(image, axis) for image in images)
    }
    records: list[ImageRecord] = []
    complaints: list[str] = []
    values: dict[int, int | str] = {}
    for image in images:
        name = image.attributes.get("filename", "").replace("\\", "/")
        try:
            record = _record(image, name, varying)
        except ValueError as error:
            complaints.append(f"the record of {name or 'an image without a file'} is not usable: {error}")
            continue
        records.append(record)
        wave = _index(image, "wave_index")
        if wave is not None and record.components and record.components.channel is not None:
            values.setdefault(wave, record.components.channel)
    channels = _channels(protocol, values)
    plate = next(protocol.walk("Plate"), XmlElement("Plate", {})).attributes
    return PlateMetadata(
        source="IN Cell",
        plate=plate_id[1] if plate_id else None,
        rows=to_int(plate.get("rows")),
        columns=to_int(plate.get("columns")),
        acquired=to_time(" ".join(filter(None, (created.get("date"), created.get("time"))))),
        channels=channels,
        pixel_size_um=common_pixel_size(channels),
        z_step_um=_z_step_um(protocol) or z_step_of(records),
        records=tuple(records),
        complaints=tuple(complaints),
    )


def _index(image: XmlElement, axis: str) -> int | None:
    identifier = image.find("Identifier")
    return None if identifier is None else to_int(identifier.attributes.get(axis))


def _record(image: XmlElement, name: str, varying: set[str]) -> ImageRecord:
    if not name:
        raise MetadataError("it names no file")
    well = image.find("Well")
    if well is None:
        raise MetadataError("it names no well")
    row, column = well.find("Row"), well.find("Column")
    stated: dict[str, int | str | None] = {"well": well.attributes.get("label")}
    if row is not None and column is not None:
        stated["well"] = f"r{row.attributes.get('number')}c{column.attributes.get('number')}"
    for axis, component in _AXES.items():
        index = _index(image, axis)
        stated[component] = None if index is None or axis not in varying else index + 1
    position, focus = image.find("PlatePosition_um"), image.find("FocusPosition")
    seconds = to_float(image.attributes.get("timestamp_sec"))
    return ImageRecord(
        name=name,
        components=name_first(name, Components(**stated)),  # type: ignore[arg-type] # each as its component is
        x_um=None if position is None else to_float(position.attributes.get("x")),
        y_um=None if position is None else to_float(position.attributes.get("y")),
        z_um=None if focus is None else to_float(focus.attributes.get("z")),
        acquired=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
    )


def _channels(protocol: XmlElement, values: dict[int, int | str]) -> tuple[ChannelInfo, ...]:
    objective = next(protocol.walk("ObjectiveCalibration"), XmlElement("ObjectiveCalibration", {})).attributes
    camera = next(protocol.walk("Camera"), XmlElement("Camera", {}))
    size, binning = camera.find("Size"), camera.find("Binning")
    rows = None if size is None else to_int(size.attributes.get("height"))
    columns = None if size is None else to_int(size.attributes.get("width"))
    infos = []
    for number, wavelength in enumerate(protocol.walk("Wavelength")):
        index = to_int(wavelength.attributes.get("index"))
        index = number if index is None else index
        emission, excitation = _filter(wavelength, "EmissionFilter"), _filter(wavelength, "ExcitationFilter")
        exposure = _filter(wavelength, "Exposure")
        time = to_float(exposure.get("time"))
        value = values.get(index, index + 1)
        infos.append(
            ChannelInfo(
                channel=value,
                # A channel that is text is called by it.
                name=None if isinstance(value, str) else emission.get("name") or None,
                excitation_nm=to_length(excitation.get("wavelength")),
                emission_nm=to_length(emission.get("wavelength")),
                exposure_s=None if time is None else time * _S_PER.get(exposure.get("unit", "s"), 1.0),
                pixel_size_um=to_length(objective.get("pixel_width")),
                shape=(rows, columns) if rows and columns else None,
                binning=None
                if binning is None
                else to_int(binning.attributes.get("value", "").partition(" ")[0]),
                objective_magnification=to_float(objective.get("magnification")),
                objective_na=to_float(objective.get("numerical_aperture")),
            )
        )
    return tuple(infos)


def _filter(wavelength: XmlElement, name: str) -> dict[str, str]:
    found = wavelength.find(name)
    return {} if found is None else found.attributes


def _z_step_um(protocol: XmlElement) -> float | None:
    """Return the distance of slices, where all wavelengths that have several agree."""
    steps = {to_length(each.attributes.get("z_step")) for each in protocol.walk("Wavelength")} - {None}
    steps = steps or {
        to_length(each.attributes.get("step")) for each in protocol.walk("ZDimensionParameters")
    }
    return steps.pop() if len(steps) == 1 else None
