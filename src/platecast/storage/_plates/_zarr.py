"""OME-Zarr plates, 0.4 and 0.5, from their metadata: which planes there are and how they are read.

The metadata are read as the JSON files they are: a plate of 384 wells and 9 fields has seven thousand groups
and arrays, which zarr-python opens in a quarter of a minute and which are read in half a second. Pixels are
read by zarr-python, through the backend ``plate``. A plate that platecast wrote notes more than the format
can say, and is read by the backend ``zarr``.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from platecast.components import (
    ChannelInfo,
    Components,
    PlateMetadata,
    merge_metadata,
    parse_name,
    well_name,
)
from platecast.errors import PlatecastError, StorageError, UnrecognizedNameError
from platecast.storage._files import FileManager
from platecast.storage._places import base_name, entries, is_url, join
from platecast.storage._plates._backend import index_path
from platecast.storage._plates._plate import Plate, PlateImage, image_order
from platecast.storage._plates._scan import ZARR_SUFFIX
from platecast.storage._plates._zarr_documents import ZarrDocuments, ome_part

_NOTES = "platecast"
_UM_PER = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6, "angstrom": 1e-4}
_PLANE_AXES = {"t": "timepoint", "c": "channel", "z": "z_index"}


@dataclass(slots=True)
class _Image:
    """One field of a well: an image group and the array of its full resolution."""

    group: str
    array: str
    well: str
    site: int
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    labels: tuple[int | str, ...]
    metadata: PlateMetadata

    def length(self, axis: str) -> int:
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1


@dataclass(slots=True)
class _Problems:
    """Gathers what could not be read."""

    lines: list[str] = field(default_factory=list)

    def add(self, path: str, reason: object) -> None:
        self.lines.append(f"{path}: {reason}")


def open_store(folder: str) -> Plate:
    """Open an OME-Zarr plate.

    Raises
    ------
    StorageError
        The store holds no plate, or several, or its metadata could not be read.
    """
    documents = ZarrDocuments(folder)
    attributes = documents.attributes(folder)
    plate = ome_part(attributes).get("plate")
    if not isinstance(plate, dict):
        inside = _plates_inside(folder, documents)
        if not inside:
            raise StorageError(f"{folder} is no OME-Zarr plate: its metadata name no plate")
        raise StorageError(f"{folder} holds several plates, open one of them: {', '.join(inside)}")
    name = str(plate.get("name") or _store_name(folder))
    problems = _Problems()
    wells = list(_wells(folder, plate, problems))
    if is_url(folder):
        _fetch(folder, wells, documents)
    fields = (image for path, well in wells for image in _fields(folder, path, well, documents, problems))
    notes: tuple[str, ...] = ()
    if _NOTES in attributes and is_url(folder):
        notes = (
            "planes that were never written read as zeros: over a network, only OME's metadata are used",
        )
    if _NOTES in attributes and not is_url(folder):
        images = list(itertools.islice(fields, 1))
        planes = list(_own_planes(folder, name, problems))
    else:
        images = list(fields)
        stacked = {axis for axis in "tz" if any(image.length(axis) > 1 for image in images)}
        planes = [plane for image in images for plane in _planes(image, name, stacked)]
    stated = PlateMetadata(
        source=f"OME-Zarr {_version(attributes)}",
        plate=name,
        rows=len(plate.get("rows") or ()) or None,
        columns=len(plate.get("columns") or ()) or None,
        y_up=False,
    )
    return Plate(
        path=folder,
        images=tuple(sorted(planes, key=image_order)),
        metadata=merge_metadata(stated, *(image.metadata for image in images[:1])),
        problems=tuple(problems.lines),
        notes=notes,
    )


def holds_plate(folder: str) -> bool:
    """Return whether a store's own metadata name a plate.

    Raises
    ------
    StorageError
        They could not be read.
    """
    return isinstance(ome_part(ZarrDocuments(folder).attributes(folder)).get("plate"), dict)


def _fetch(folder: str, wells: Sequence[tuple[str, str]], documents: ZarrDocuments) -> None:
    """Read the metadata of all fields in three goes: one by one, each would wait for the network."""
    groups = [join(folder, path) for path, _ in wells]
    documents.fetch_groups(groups)
    fields: list[str] = []
    for group in groups:
        with contextlib.suppress(StorageError, LookupError, TypeError):
            images = ome_part(documents.attributes(group))["well"]["images"]
            fields += [join(group, str(image["path"])) for image in images]
    documents.fetch_groups(fields)
    arrays: list[str] = []
    for field_ in fields:
        with contextlib.suppress(StorageError, LookupError, TypeError):
            dataset = ome_part(documents.attributes(field_))["multiscales"][0]["datasets"][0]
            arrays.append(join(field_, str(dataset["path"])))
    documents.fetch_arrays(arrays)


def _own_planes(folder: str, plate: str, problems: _Problems) -> Iterator[PlateImage]:
    """Yield the planes of a plate that platecast wrote, which the backend that wrote them lists."""
    with FileManager() as files:
        paths = files.list(folder, "zarr")
    own = os.path.normpath(folder)
    for path in paths:
        # Label images lie in folders of their own below.
        if os.path.normpath(os.path.dirname(path)) != own:
            continue
        try:
            components = parse_name(os.path.basename(path))
        except UnrecognizedNameError as error:
            problems.add(path, error)
            continue
        if components.plate is None:
            components = msgspec.structs.replace(components, plate=plate)
        yield PlateImage(path, components, "zarr")


def _wells(folder: str, plate: dict[str, Any], problems: _Problems) -> Iterator[tuple[str, str]]:
    """Yield each well's path and its name; rows and columns are as the path has them."""
    rows = [str(row.get("name")) for row in plate.get("rows") or () if isinstance(row, dict)]
    columns = [str(column.get("name")) for column in plate.get("columns") or () if isinstance(column, dict)]
    for well in plate.get("wells") or ():
        path = str(well.get("path", "")) if isinstance(well, dict) else ""
        try:
            row, column = path.split("/")
            name = well_name(f"{row}{column}")
        except ValueError as error:
            problems.add(join(folder, path), f"the well {path!r} is left out: {error}")
            continue
        index = (well.get("rowIndex"), well.get("columnIndex"))
        expected = (
            rows.index(row) if row in rows else None,
            columns.index(column) if column in columns else None,
        )
        if None not in index and index != expected:
            problems.add(
                join(folder, path),
                f"the plate puts this well at row and column {index}, its path at {expected}, which is"
                " believed",
            )
        yield path, name


def _fields(
    folder: str, path: str, well: str, documents: ZarrDocuments, problems: _Problems
) -> Iterator[_Image]:
    group = join(folder, path)
    try:
        images = ome_part(documents.attributes(group))["well"]["images"]
        names = [str(image["path"]) for image in images]
    except (StorageError, LookupError, TypeError) as error:
        problems.add(group, f"the well is left out: {error}")
        return
    numbered = all(name.isdecimal() for name in names)
    for number, name in enumerate(names):
        place = join(group, name)
        try:
            yield _image(place, well, int(name) if numbered else number, documents)
        except (StorageError, LookupError, TypeError, ValueError) as error:
            problems.add(place, f"the field is left out: {error}")


def _image(group: str, well: str, site: int, documents: ZarrDocuments) -> _Image:
    ome = ome_part(documents.attributes(group))
    if not ome.get("multiscales"):
        raise StorageError("its metadata have no multiscales")
    multiscale = ome["multiscales"][0]
    axes = tuple(str(axis["name"]) for axis in multiscale["axes"])
    dataset = multiscale["datasets"][0]
    array = join(group, str(dataset["path"]))
    shape = documents.shape(array)
    if len(shape) != len(axes) or axes[-2:] != ("y", "x") or set(axes[:-2]) - set(_PLANE_AXES):
        raise StorageError(f"an array of shape {shape} with the axes {', '.join(axes)} is not understood")
    count = shape[axes.index("c")] if "c" in axes else 0
    infos = _channels(ome.get("omero"), count, shape[-2:])
    scale = _scale_um(multiscale, dataset)
    metadata = PlateMetadata(
        channels=tuple(infos), pixel_size_um=scale.get("x"), z_step_um=scale.get("z") if "z" in axes else None
    )
    return _Image(group, array, well, site, axes, shape, tuple(info.channel for info in infos), metadata)


def _channels(omero: object, count: int, shape: tuple[int, ...]) -> list[ChannelInfo]:
    """Return the channels, by their labels where each has one of its own, else by their positions."""
    entries: list[Any] = omero.get("channels") or [] if isinstance(omero, dict) else []
    entries = [entry if isinstance(entry, dict) else {} for entry in entries[:count]]
    entries += [{}] * (count - len(entries))
    labels = [str(entry.get("label") or "") for entry in entries]
    by_label = all(labels) and len(set(labels)) == count
    return [
        ChannelInfo(
            channel=_channel_value(label) if by_label else number,
            name=label or None,
            color=f"#{str(entry['color']).upper()}" if entry.get("color") else None,
            shape=(shape[0], shape[1]),
        )
        for number, (entry, label) in enumerate(zip(entries, labels, strict=True))
    ]


def _channel_value(label: str) -> int | str:
    return int(label) if label.isascii() and label.isdecimal() else label


def _scale_um(multiscale: dict[str, Any], dataset: dict[str, Any]) -> dict[str, float]:
    """Return the lengths of a voxel's sides, of those axes whose unit is a length."""
    lengths: dict[str, float] = {}
    for holder in (dataset, multiscale):
        for transform in holder.get("coordinateTransformations") or ():
            if transform.get("type") == "scale":
                for axis, factor in zip(multiscale["axes"], transform["scale"], strict=False):
                    lengths[axis["name"]] = lengths.get(axis["name"], 1.0) * float(factor)
    units = {axis["name"]: _UM_PER.get(str(axis.get("unit"))) for axis in multiscale["axes"]}
    return {
        name: round(length * unit, 9)
        for name, length in lengths.items()
        if (unit := units.get(name)) is not None and length > 0
    }


def _planes(image: _Image, plate: str, stacked: set[str]) -> Iterator[PlateImage]:
    """Yield each plane; an axis of one position everywhere in the plate means nothing and is left out."""
    before = image.axes[:-2]
    lengths = [image.length(axis) for axis in before]
    total = 1
    for length in lengths:
        total *= length
    for number in range(total):
        rest, index = number, [0] * len(before)
        for place in reversed(range(len(before))):
            rest, index[place] = divmod(rest, lengths[place])
        values: dict[str, Any] = {
            _PLANE_AXES[axis]: image.labels[position] if axis == "c" else position
            for axis, position in zip(before, index, strict=True)
            if axis == "c" or axis in stacked
        }
        components = Components(plate=plate, well=image.well, site=image.site, **values)
        yield PlateImage(index_path(image.array, tuple(index)), components, "plate")


def _plates_inside(folder: str, documents: ZarrDocuments) -> list[str]:
    with entries(folder) as found:
        names = sorted(entry.name for entry in found if entry.is_dir())
    inside = []
    for name in names:
        try:
            attributes = documents.attributes(join(folder, name))
        except PlatecastError:
            continue
        if "plate" in ome_part(attributes):
            inside.append(name)
    return inside


def _version(attributes: dict[str, Any]) -> str:
    ome = ome_part(attributes)
    plate = ome.get("plate")
    return str(ome.get("version") or (plate.get("version") if isinstance(plate, dict) else None) or "0.4")


def _store_name(folder: str) -> str:
    name = base_name(folder)
    return name.removesuffix(ZARR_SUFFIX).removesuffix(".ome") or name
