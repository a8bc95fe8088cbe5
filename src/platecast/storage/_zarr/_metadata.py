"""OME metadata (OME-Zarr 0.5) of plates, wells, images and labels, from what we know of them.

The models of yaozarrs check them while they are made. Format: https://ngff.openmicroscopy.org/0.5/
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pydantic
from yaozarrs import v05

from platecast.components import Kind, parse_well, plate_format, row_name
from platecast.storage._zarr._facts import ImageFacts, ImageRecord, PlateFacts

_COLOURS_BY_NAME = (
    (re.compile(r"dapi|hoechst|draq|nucle|405", re.I), "0000FF"),
    (re.compile(r"gfp|fitc|488|green", re.I), "00FF00"),
    (re.compile(r"cy3|tritc|rfp|cherry|tomato|phalloidin|actin|54[0-9]|5[56][0-9]|59[0-9]", re.I), "FF8000"),
    (re.compile(r"cy5|64[0-9]|far.?red|mito", re.I), "FF00FF"),
    (re.compile(r"^(bf|tl)$|bright|phase|\bdic\b|transmi", re.I), "FFFFFF"),
)
_COLOURS_BY_ORDER = ("00FFFF", "FF00FF", "FFFF00", "00FF00", "FF8000", "8000FF", "0000FF", "FF0000")
_SAMPLES = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("opacity", "FFFFFF"))


def well_path(well: str) -> str:
    """Return where a well's group lies in its plate: ``A/01``, the well's name with a slash in it."""
    row = well.rstrip("0123456789")
    return f"{row}/{well.removeprefix(row)}"


def plate_metadata(facts: PlateFacts, paths: Collection[str], field_count: int) -> Mapping[str, Any]:
    """Return the metadata of a plate.

    Parameters
    ----------
    facts
        What was declared; declared wells make room, but are not listed.
    paths
        Paths of the wells that are there, at least one.
    field_count
        Number of images in the well that has most.
    """
    wells = {path: parse_well(path.replace("/", "")) for path in paths}
    places = [*wells.values(), *(parse_well(well) for well in facts.layout.well)]
    rows, columns = plate_format(1 + max(row for row, _ in places), 1 + max(column for _, column in places))
    model = v05.Plate(
        plate=v05.PlateDef(
            name=facts.plate,
            rows=[v05.Row(name=row_name(row)) for row in range(rows)],
            columns=[v05.Column(name=f"{column + 1:02d}") for column in range(columns)],
            wells=[
                v05.PlateWell(path=path, rowIndex=row, columnIndex=column)
                for path, (row, column) in sorted(wells.items(), key=lambda item: item[1])
            ],
            field_count=field_count,
        )
    )
    return _dump(model)


def well_metadata(images: Sequence[ImageRecord]) -> Mapping[str, Any]:
    """Return the metadata of a well with these images, at least one."""
    ordered = sorted(images, key=lambda record: (-1 if record.site is None else record.site, record.path))
    fields = [v05.FieldOfView(path=record.path) for record in ordered]
    return _dump(v05.Well(well=v05.WellDef(images=fields)))


def labels_metadata(images: Sequence[ImageRecord]) -> Mapping[str, Any]:
    """Return the metadata of a ``labels`` group with these label images, at least one."""
    return _dump(v05.LabelsGroup(labels=[record.path for record in images]))


def image_metadata(
    plate: PlateFacts, record: ImageRecord, facts: ImageFacts, levels: int
) -> Mapping[str, Any]:
    """Return the metadata of an image group with this many levels."""
    multiscales = [_multiscale(plate, record, levels)]
    if record.kind is Kind.LABELS:
        source = v05.LabelSource(image="../../") if record.labels else None
        # The alias is the only name that the model's signature knows.
        label = v05.LabelImage.model_validate(
            {"multiscales": multiscales, "image-label": v05.ImageLabel(source=source, version="0.5")}
        )
        return _dump(label)
    channels: list[v05.OmeroChannel] = []
    colours: list[str] = []
    for number in range(len(facts.channel)):
        found = _omero_channels(plate, record, facts, number, colours)
        colours.append(found[0].color)
        channels += found
    return _dump(v05.Image(multiscales=multiscales, omero=v05.Omero(channels=channels)))


def _multiscale(plate: PlateFacts, record: ImageRecord, levels: int) -> v05.Multiscale:
    pixel, step = plate.layout.pixel_size_um, plate.layout.z_step_um
    axes: list[v05.Axis] = [
        v05.TimeAxis(name="t"),
        v05.ChannelAxis(name="c"),
        v05.SpaceAxis(name="z", unit=_unit(step)),
        v05.SpaceAxis(name="y", unit=_unit(pixel)),
        v05.SpaceAxis(name="x", unit=_unit(pixel)),
    ]
    datasets = [
        v05.Dataset(
            path=str(level),
            coordinateTransformations=[
                v05.ScaleTransformation(scale=[1, 1, step or 1, *[(pixel or 1) * 2**level] * 2])
            ],
        )
        for level in range(levels)
    ]
    method = "nearest" if record.kind is Kind.LABELS else "mean"
    return v05.Multiscale(name=record.labels or record.path, axes=axes, datasets=datasets, type=method)


def _unit(size_um: float | None) -> str | None:
    return None if size_um is None else "micrometer"


def _omero_channels(
    plate: PlateFacts, record: ImageRecord, facts: ImageFacts, number: int, taken: Collection[str]
) -> Sequence[v05.OmeroChannel]:
    value = facts.channel[number]
    known = next((channel for channel in plate.channels if channel.value == value), None)
    name = (known.name if known else "") or ("" if value is None else str(value))
    low, high = _limits(record.dtype)
    if record.samples > 1:
        return [
            v05.OmeroChannel(
                label=f"{name} {sample}".strip(),
                color=hue,
                window=v05.OmeroWindow(start=low, min=low, end=high, max=high),
                active=sample != "opacity",
            )
            for sample, hue in _SAMPLES[: record.samples]
        ]
    only = len(facts.channel) == 1
    colour = (known.colour if known else "") or ("FFFFFF" if only else _colour(name, number, taken))
    start, end = facts.windows[number] or (low, high)
    window = v05.OmeroWindow(start=start, min=min(low, start), end=end, max=max(high, end))
    return [v05.OmeroChannel(label=name, color=colour, window=window, active=True)]


def _colour(name: str, number: int, taken: Collection[str]) -> str:
    """Return a dye's usual colour where its name is known and the colour is free, and else a free one."""
    usual = next((colour for dye, colour in _COLOURS_BY_NAME if dye.search(name)), None)
    if usual is not None and usual not in taken:
        return usual
    free = (colour for colour in _COLOURS_BY_ORDER if colour not in taken)
    return next(free, _COLOURS_BY_ORDER[number % len(_COLOURS_BY_ORDER)])


def _limits(dtype: str) -> tuple[float, float]:
    if np.dtype(dtype).kind == "f":
        return 0.0, 1.0
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def _dump(model: pydantic.BaseModel) -> Mapping[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
