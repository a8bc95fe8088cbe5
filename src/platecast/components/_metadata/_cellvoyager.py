"""Yokogawa's files beside the images of CellVoyager and CQ1, all in one XML schema (`BTSSchema/1.0`).

``MeasurementData.mlf`` has a record an image, and one for each error, in which some attributes are absent.
``MeasurementDetail.mrf`` has the plate's format and the pixels of each channel, the ``.mes`` file what was
asked for: all channels of the protocol, also those that were not used. Lengths are in micrometres, y grows
upwards. A projection made by the instrument is recorded as slice 1 and told by ``ZImageProcessing`` alone.
"""

import re
from collections.abc import Iterable, Iterator

from platecast.components._components import Components
from platecast.components._metadata._text import (
    XmlElement,
    elements,
    root_element,
    to_float,
    to_int,
    to_length,
    to_time,
)
from platecast.components._metadata._values import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    common_pixel_size,
    z_step_of,
)

_SOURCE = "CellVoyager"
_BAND = re.compile(r"BP([0-9]+)", re.ASCII)
_COLOR = re.compile(r"#[0-9A-Fa-f]{2}([0-9A-Fa-f]{6})")
_S_PER_MS = 1e-3


def read_mlf(text: str) -> PlateMetadata:
    """Return the images and errors that a ``MeasurementData.mlf`` records.

    Raises
    ------
    MetadataError
        It is damaged.
    """
    records: list[ImageRecord] = []
    complaints: list[str] = []
    for element in elements(text, "MeasurementRecord"):
        values = element.attributes
        name = element.text.strip().replace("\\", "/")
        if values.get("Type") == "ERR":
            complaints.append(f"error in well {_well(values)}: {name or 'no reason given'}")
        elif values.get("Type") == "IMG" and name:
            try:
                records.append(_record(name, values))
            except ValueError as error:
                complaints.append(f"the record of {name} is not usable: {error}")
    return PlateMetadata(
        source=_SOURCE,
        channels=tuple(
            ChannelInfo(channel=channel)
            for channel in sorted(
                {record.components.channel for record in records if record.components}, key=str
            )
            if channel is not None
        ),
        z_step_um=z_step_of(records),
        y_up=True,
        records=tuple(records),
        complaints=tuple(complaints),
    )


def _well(values: dict[str, str]) -> str:
    return f"r{values.get('Row')}c{values.get('Column')}"


def _record(name: str, values: dict[str, str]) -> ImageRecord:
    site = to_int(values.get("FieldIndex"))
    return ImageRecord(
        name=name,
        components=Components(
            well=_well(values),
            site=to_int(values.get("PartialTileIndex")) if site is None else site,
            channel=to_int(values.get("Ch")),
            z_index=None if _is_projection(values) else to_int(values.get("ZIndex")),
            timepoint=to_int(values.get("TimePoint")),
        ),
        x_um=to_float(values.get("X")),
        y_um=to_float(values.get("Y")),
        z_um=to_float(values.get("Z")),
        acquired=to_time(values.get("Time")),
    )


def _is_projection(values: dict[str, str]) -> bool:
    return values.get("ZImageProcessing", "").lower() not in ("", "none")


def read_mrf(text: str) -> PlateMetadata:
    """Return the plate and the pixels that a ``MeasurementDetail.mrf`` states.

    Raises
    ------
    MetadataError
        It is damaged, or no such file.
    """
    detail = root_element(text, "MeasurementDetail")
    values = detail.attributes
    channels = tuple(_pixels(channel.attributes) for channel in _numbered(detail.walk("MeasurementChannel")))
    return PlateMetadata(
        source=" ".join(filter(None, (_SOURCE, values.get("TargetSystem")))),
        plate=values.get("Title") or None,
        rows=to_int(values.get("RowCount")),
        columns=to_int(values.get("ColumnCount")),
        acquired=to_time(values.get("BeginTime")),
        channels=channels,
        pixel_size_um=common_pixel_size(channels),
        y_up=True,
    )


def _numbered(channels: Iterable[XmlElement]) -> Iterator[XmlElement]:
    return (channel for channel in channels if to_int(channel.attributes.get("Ch")) is not None)


def _pixels(values: dict[str, str]) -> ChannelInfo:
    rows, columns = to_int(values.get("VerticalPixels")), to_int(values.get("HorizontalPixels"))
    return ChannelInfo(
        channel=int(values["Ch"]),
        pixel_size_um=to_length(values.get("HorizontalPixelDimension")),
        shape=(rows, columns) if rows and columns else None,
    )


def read_mes(text: str) -> PlateMetadata:
    """Return the channels, the plate and the slices that a ``.mes`` file asks for.

    Raises
    ------
    MetadataError
        It is damaged, or no such file.
    """
    setting = root_element(text, "MeasurementSetting")
    sources = {
        source.attributes.get("Name", ""): to_float(source.attributes.get("WaveLength")) or None
        for source in setting.walk("LightSource")
    }
    steps = {to_length(action.attributes.get("SliceLength")) for action in setting.walk("ActionAcquire3D")}
    return PlateMetadata(
        source=_SOURCE,
        rows=to_int(setting.attributes.get("Rows")),
        columns=to_int(setting.attributes.get("Columns")),
        channels=tuple(
            _channel(channel.attributes, sources.get(channel.texts().get("LightSourceName", "")))
            for channel in _numbered(setting.walk("Channel"))
        ),
        z_step_um=steps.pop() if len(steps) == 1 else None,
    )


def _channel(values: dict[str, str], excitation_nm: float | None) -> ChannelInfo:
    band = _BAND.match(values.get("Acquisition", ""))
    color = _COLOR.fullmatch(values.get("Color", ""))
    exposure_ms = to_float(values.get("ExposureTime"))
    return ChannelInfo(
        channel=int(values["Ch"]),
        name=values.get("Fluorophore") or values.get("Target") or values.get("Acquisition") or None,
        excitation_nm=excitation_nm,
        emission_nm=float(band[1]) if band else None,
        exposure_s=None if exposure_ms is None else exposure_ms * _S_PER_MS,
        color=f"#{color[1]}" if color else None,
        binning=to_int(values.get("Binning")),
        objective_magnification=to_float(values.get("Magnification")),
    )
