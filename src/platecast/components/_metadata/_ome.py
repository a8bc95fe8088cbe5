"""OME-XML, in a file of its own (companion) or in a TIFF's description.

Everything counts from 0. A plate's wells refer to images by their fields (`WellSample`), and an image to the
pages of files that hold its planes (`TiffData`). Sizes are in micrometres unless a unit says otherwise;
positions have no unit of length unless one is stated. Without a plate, an image's planes are known but not
their well.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from platecast.components._components import Components
from platecast.components._metadata._text import XmlElement, elements, to_float, to_int, to_time
from platecast.components._metadata._values import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    common_pixel_size,
    z_step_of,
)
from platecast.errors import MetadataError

_UM_PER = {
    "µm": 1.0, "μm": 1.0, "um": 1.0, "micrometer": 1.0, "nm": 1e-3, "nanometer": 1e-3, "mm": 1e3,
    "cm": 1e4, "m": 1e6, "meter": 1e6, "pm": 1e-6, "Å": 1e-4,
}  # fmt: skip
_S_PER = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "min": 60.0}
_PLANE_AXES = "CZT"


@dataclass(slots=True)
class _Image:
    """One `Image` element while its document is read."""

    number: str
    acquired: str
    pixels: dict[str, str]
    channels: list[dict[str, str]] = field(default_factory=list)
    tiff_data: list[tuple[dict[str, str], str]] = field(default_factory=list)
    planes: dict[tuple[int, ...], dict[str, str]] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        return {axis: to_int(self.pixels.get(f"Size{axis}")) or 1 for axis in _PLANE_AXES}


@dataclass(slots=True)
class _Field:
    """Where an image lies: a well and the number of the field in it."""

    well: str
    site: int
    x_um: float | None
    y_um: float | None


def read_ome(text: str) -> PlateMetadata:
    """Return what OME-XML states about a plate, or about images of which it states no plate.

    A z-index or time point is stated where some image has several.

    Raises
    ------
    MetadataError
        It is damaged, no OME-XML, or refers to another file for everything (the companion is to be read).
    """
    images: list[_Image] = []
    plate: dict[str, str] = {}
    fields: dict[str, _Field] = {}
    for element in elements(text, "Image", "Plate", "BinaryOnly"):
        if element.name == "BinaryOnly":
            raise MetadataError(
                f"all of it stands in {element.attributes.get('MetadataFile', 'another file')}"
            )
        if element.name == "Image":
            if element.find("Pixels") is not None:
                images.append(_image(element))
        elif not plate:
            plate = {"Name": element.attributes.get("ID", ""), **element.attributes}
            fields = _fields(element)
    if not images and not plate:
        raise MetadataError("it has neither plate nor images of OME")
    return _metadata(plate, fields, images)


def _metadata(plate: dict[str, str], fields: dict[str, _Field], images: list[_Image]) -> PlateMetadata:
    varying = {axis for axis in "ZT" if any(image.sizes[axis] > 1 for image in images)}
    records = [
        record
        for image in images
        if not fields or image.number in fields
        for record in _records(image, fields.get(image.number), varying, plate.get("Name") or None)
    ]
    channels = tuple(_channels(images))
    first = images[0].pixels if images else {}
    times = sorted(filter(None, (to_time(image.acquired) for image in images)), key=str)
    return PlateMetadata(
        source="OME-XML",
        plate=plate.get("Name") or None,
        rows=to_int(plate.get("Rows")),
        columns=to_int(plate.get("Columns")),
        acquired=times[0] if times else None,
        channels=channels,
        pixel_size_um=common_pixel_size(channels),
        z_step_um=_length_um(first, "PhysicalSizeZ") or z_step_of(records),
        records=tuple(records),
    )


def _image(element: XmlElement) -> _Image:
    pixels = element.find("Pixels") or XmlElement("Pixels", {})
    date = element.texts().get("AcquisitionDate", "")
    image = _Image(element.attributes.get("ID", ""), date, pixels.attributes)
    for child in pixels.children:
        if child.name == "Channel":
            image.channels.append(child.attributes)
        elif child.name == "TiffData":
            uuid = child.find("UUID")
            name = "" if uuid is None else uuid.attributes.get("FileName", "")
            image.tiff_data.append((child.attributes, name))
        elif child.name == "Plane":
            place = tuple(to_int(child.attributes.get(f"The{axis}")) or 0 for axis in _PLANE_AXES)
            image.planes[place] = child.attributes
    return image


def _fields(plate: XmlElement) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    for well in plate.find_all("Well"):
        row, column = to_int(well.attributes.get("Row")), to_int(well.attributes.get("Column"))
        if row is None or column is None:
            continue
        samples = sorted(
            well.find_all("WellSample"), key=lambda sample: to_int(sample.attributes.get("Index")) or 0
        )
        for site, sample in enumerate(samples):
            reference = sample.find("ImageRef")
            if reference is not None:
                fields[reference.attributes.get("ID", "")] = _Field(
                    f"r{row + 1}c{column + 1}",
                    site,
                    _position_um(sample.attributes, "PositionX"),
                    _position_um(sample.attributes, "PositionY"),
                )
    return fields


def _channels(images: list[_Image]) -> Iterator[ChannelInfo]:
    """Yield the channels of the image that has most; those of one plate are the same."""
    image = max(images, key=lambda image: image.sizes["C"], default=None)
    if image is None:
        return
    pixels = image.pixels
    rows, columns = to_int(pixels.get("SizeY")), to_int(pixels.get("SizeX"))
    for number in range(image.sizes["C"]):
        values = image.channels[number] if number < len(image.channels) else {}
        exposure = image.planes.get((number, 0, 0), {})
        color = to_int(values.get("Color"))
        yield ChannelInfo(
            channel=number,
            name=values.get("Name") or values.get("Fluor") or None,
            excitation_nm=to_float(values.get("ExcitationWavelength")),
            emission_nm=to_float(values.get("EmissionWavelength")),
            exposure_s=_in_unit(exposure, "ExposureTime", _S_PER, "s"),
            # A signed number of four bytes: red, green, blue, alpha. White is what is written without
            # thought.
            color=None if color in (None, -1) else f"#{(color & 0xFFFFFFFF) >> 8:06X}",
            pixel_size_um=_length_um(pixels, "PhysicalSizeX"),
            shape=(rows, columns) if rows and columns else None,
        )


def _records(
    image: _Image, place: _Field | None, varying: set[str], plate: str | None
) -> Iterator[ImageRecord]:
    for (channel, z_index, timepoint), name, page in _pages(image):
        plane = image.planes.get((channel, z_index, timepoint), {})
        x_um, y_um = _position_um(plane, "PositionX"), _position_um(plane, "PositionY")
        try:
            components = Components(
                plate=plate,
                well=place.well if place else None,
                site=place.site if place else None,
                channel=channel,
                z_index=z_index if "Z" in varying else None,
                timepoint=timepoint if "T" in varying else None,
            )
        except ValueError as error:
            raise MetadataError(f"{image.number}: {error}") from error
        yield ImageRecord(
            name=name.replace("\\", "/"),
            components=components,
            page=page,
            x_um=place.x_um if x_um is None and place else x_um,
            y_um=place.y_um if y_um is None and place else y_um,
            z_um=_position_um(plane, "PositionZ"),
            acquired=to_time(image.acquired),
        )


def _pages(image: _Image) -> Iterator[tuple[tuple[int, int, int], str, int]]:
    """Yield each plane's place on the axes C, Z, T, its file and its page in it."""
    sizes = image.sizes
    order = [axis for axis in image.pixels.get("DimensionOrder", "XYCZT") if axis in _PLANE_AXES]
    total = sizes["C"] * sizes["Z"] * sizes["T"]
    seen: set[tuple[int, int, int]] = set()
    for values, name in image.tiff_data or [({}, "")]:
        page = to_int(values.get("IFD"))
        # Without a page, all planes follow each other; with one and no count, it is this page alone.
        count = to_int(values.get("PlaneCount"))
        if count is None:
            count = total if page is None and "FirstC" not in values else 1
        number, stride = 0, 1
        for axis in order:
            number += stride * (to_int(values.get(f"First{axis}")) or 0)
            stride *= sizes[axis]
        for step in range(max(0, min(count, total - number))):
            place, rest = {}, number + step
            for axis in order:
                rest, place[axis] = divmod(rest, sizes[axis])
            plane = (place["C"], place["Z"], place["T"])
            if plane not in seen:
                seen.add(plane)
                yield plane, name, (page or 0) + step


def _length_um(values: dict[str, str], name: str) -> float | None:
    length_um = _in_unit(values, name, _UM_PER, "µm")
    return length_um if length_um is not None and 0 < length_um < math.inf else None


def _position_um(values: dict[str, str], name: str) -> float | None:
    return _in_unit(values, name, _UM_PER, "reference frame")


def _in_unit(values: dict[str, str], name: str, factors: dict[str, float], default: str) -> float | None:
    value = to_float(values.get(name))
    factor = factors.get(values.get(f"{name}Unit", default))
    return None if value is None or factor is None else round(value * factor, 9)
