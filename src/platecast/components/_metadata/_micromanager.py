"""Micro-Manager's ``metadata.txt`` beside the images of a position: JSON of a summary and an entry a frame.

Frames are named ``FrameKey-<time>-<channel>-<slice>`` by version 1, which states the file's name inside, and
``Metadata-<file>`` by version 2, with the folder before the name or without. Numbers may be text. An
acquisition that was stopped leaves a file without its last brace. Of stacks, which are OME-TIFF files, the
frames are left to what these say themselves. Other programs write files of this name: what is no JSON of
Micro-Manager says nothing.
"""

from datetime import datetime
from typing import Any

import msgspec

from platecast.components._metadata._text import to_float, to_length, to_time
from platecast.components._metadata._values import ChannelInfo, ImageRecord, PlateMetadata, common_pixel_size
from platecast.errors import MetadataError

_FRAME, _NAMED_FRAME = "FrameKey-", "Metadata-"
_FRAME_CHANNEL = 2
"""Place of the channel's number in the key of a frame of version 1."""


def read_micromanager(text: str) -> PlateMetadata:
    """Return the channels' names, the size of pixels and slices, and the place and time of each frame.

    Raises
    ------
    MetadataError
        It is Micro-Manager's, and damaged.
    """
    if '"Summary"' not in text:
        return PlateMetadata()
    content = _parse(text)
    summary = content.get("Summary")
    if not isinstance(summary, dict):
        raise MetadataError("its Summary is no group of values")
    frames = {
        key: value
        for key, value in content.items()
        if isinstance(value, dict) and key.startswith((_FRAME, _NAMED_FRAME))
    }
    names = summary.get("ChNames")
    sizes = {size for frame in frames.values() if (size := _length(frame, "PixelSizeUm")) is not None}
    pixel_size_um = _length(summary, "PixelSize_um") or (sizes.pop() if len(sizes) == 1 else None)
    step = to_float(_text(summary, "z-step_um"))
    channels = tuple(
        ChannelInfo(
            channel=number,
            name=str(name),
            pixel_size_um=pixel_size_um,
            exposure_s=_exposure(frames, number),
        )
        for number, name in enumerate(names if isinstance(names, list) else ())
        if name
    )
    return PlateMetadata(
        source="Micro-Manager",
        acquired=_time(summary, "StartTime"),
        channels=channels,
        pixel_size_um=common_pixel_size(channels) or pixel_size_um,
        z_step_um=abs(step) if step else None,
        records=tuple(record for key, frame in frames.items() if (record := _record(key, frame)) is not None),
    )


def _parse(text: str) -> dict[str, Any]:
    for end in ("", "}"):
        try:
            content = msgspec.json.decode((text.rstrip().removesuffix(",") + end).encode())
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            reason = error
        else:
            if isinstance(content, dict):
                return content
            raise MetadataError("it is no group of values")
    raise MetadataError(f"it is damaged: {reason}")


def _record(key: str, frame: dict[str, Any]) -> ImageRecord | None:
    file = key.removeprefix(_NAMED_FRAME) if key.startswith(_NAMED_FRAME) else _text(frame, "FileName")
    if not file or ".ome." in file.lower():
        return None
    return ImageRecord(
        name=file.replace("\\", "/").rpartition("/")[2],
        x_um=to_float(_text(frame, "XPositionUm")),
        y_um=to_float(_text(frame, "YPositionUm")),
        z_um=to_float(_text(frame, "ZPositionUm")),
        acquired=_time(frame, "Time") or _time(frame, "ReceivedTime"),
    )


def _exposure(frames: dict[str, dict[str, Any]], channel: int) -> float | None:
    for key, frame in frames.items():
        parts = key.split("-")
        is_its = key.startswith(_FRAME) and parts[_FRAME_CHANNEL : _FRAME_CHANNEL + 1] == [str(channel)]
        exposure_ms = _length(frame, "Exposure-ms") if is_its else None
        if exposure_ms is not None:
            return exposure_ms / 1000
    return None


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    return str(value) if isinstance(value, str | int | float) else None


def _length(values: dict[str, Any], name: str) -> float | None:
    return to_length(_text(values, name))


def _time(values: dict[str, Any], name: str) -> datetime | None:
    date, _, rest = (_text(values, name) or "").partition(" ")
    time, _, zone = rest.partition(" ")
    # The zone is written apart, which ISO 8601 does not know.
    return to_time(f"{date} {time}{zone}") if time else None
