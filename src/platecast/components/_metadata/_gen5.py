"""The description that Gen5 writes into its TIFF files (``BTIImageMetaData``).

Its elements are those that Bio-Formats and other public readers know. A channel's name holds what Gen5
computed, ``Stitched[DAPI 377,447]``, and behind the name the main wavelengths of the two filters, in
nanometres.
"""

import re
from datetime import datetime

from platecast.components._metadata._text import XmlElement, root_element, to_float, to_int, to_length
from platecast.components._metadata._values import ChannelInfo, ImageRecord, PlateMetadata

ROOT = "BTIImageMetaData"
_OPERATIONS = re.compile(r"(?:[^\[\]]+\[)*(.*?)\]*")
_WAVELENGTHS = re.compile(r"(.*?)\s+([0-9.]+)\s*,\s*([0-9.]+)")


def read_gen5(text: str, channel: int | str | None) -> PlateMetadata:
    """Return what an image's own description states; it has one record, the image's.

    Parameters
    ----------
    text
        The ``ImageDescription`` of a TIFF file.
    channel
        The channel as the image's name has it; `None` where it has none.

    Raises
    ------
    MetadataError
        It is no such description, or it is damaged.
    """
    root = root_element(text, ROOT)
    taken, referred = _child(root, "ImageAcquisition"), _child(root, "ImageReference")
    columns, rows = to_int(_text(taken, "PixelWidth")), to_int(_text(taken, "PixelHeight"))
    width_um = to_length(_text(taken, "ImageWidthMicrons"))
    pixel_size_um = width_um / columns if width_um and columns and columns > 0 else None
    acquired = _time(_text(referred, "Date"), _text(referred, "Time"))
    shown = _child(taken, "Channel")
    name, excitation_nm, emission_nm = _filters(shown.attributes.get("Color", ""))
    exposure_ms = to_length(_text(taken, "ShutterSpeedMS"))
    info = ChannelInfo(
        channel=channel or "",
        name=name,
        excitation_nm=to_length(_text(shown, "ExcitationWavelength")) or excitation_nm,
        emission_nm=to_length(_text(shown, "EmissionWavelength")) or emission_nm,
        exposure_s=None if exposure_ms is None else exposure_ms / 1000,
        pixel_size_um=pixel_size_um,
        shape=(rows, columns) if rows and columns else None,
        objective_magnification=to_length(_text(taken, "ObjectiveSize")),
        objective_na=to_length(_text(taken, "NumericalAperture")),
    )
    return PlateMetadata(
        source="Gen5",
        plate=_text(referred, "Plate"),
        acquired=acquired,
        channels=() if channel is None else (info,),
        pixel_size_um=pixel_size_um,
        records=(ImageRecord(acquired=acquired),),
    )


def _child(element: XmlElement, name: str) -> XmlElement:
    return next((child for child in element.children if child.name == name), XmlElement(name, {}))


def _text(element: XmlElement, name: str) -> str | None:
    return _child(element, name).text.strip() or None


def _filters(color: str) -> tuple[str | None, float | None, float | None]:
    """Return name, excitation and emission of a channel without the operations around it."""
    match = _OPERATIONS.fullmatch(color.strip())
    inner = match[1].strip() if match else ""
    filters = _WAVELENGTHS.fullmatch(inner)
    if filters is None:
        return inner or None, None, None
    return filters[1].strip() or None, to_float(filters[2]), to_float(filters[3])


def _time(date: str | None, time: str | None) -> datetime | None:
    try:
        return datetime.strptime(f"{date} {time}", "%m/%d/%y %H:%M:%S")  # local, of no zone
    except ValueError:
        return None
