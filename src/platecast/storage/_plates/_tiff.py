"""What TIFF files say of themselves: the descriptions of MetaXpress, of Gen5 and of OME."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from platecast.components import (
    Components,
    ImageRecord,
    PlateMetadata,
    merge_metadata,
    read_gen5,
    read_metaseries,
    read_ome,
    z_step_of,
)
from platecast.errors import ImageNotFoundError, MetadataError, StorageError
from platecast.storage._places import opened

_TRIES = 3
"""Images of a channel that are opened until one can be read."""


def read_description(path: str) -> str:
    """Return the description of a TIFF file's first page, which may be empty.

    Raises
    ------
    StorageError
        The file could not be read.
    """
    try:
        import tifffile
    except ImportError as error:
        raise StorageError("TIFF files need tifffile: pip install 'platecast[io]'") from error
    try:
        with opened(path) as source, tifffile.TiffFile(source) as tiff:
            return str(tiff.pages.first.description)
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no image {path}") from error
    # What tifffile raises for a damaged file.
    except (OSError, tifffile.TiffFileError, ValueError, RuntimeError, LookupError, struct.error) as error:
        raise StorageError(f"{path} could not be read: {error}") from error


def read_image_metadata(path: str, channel: int | str | None) -> PlateMetadata | None:
    """Return what the description of a file of one plane states, `None` where it is of no kind that we know.

    Parameters
    ----------
    path
        The file.
    channel
        The channel that its name states; the description has no number for it, or one of its own.

    Raises
    ------
    StorageError
        The file could not be read, or its description is damaged.
    """
    text = read_description(path)
    try:
        if "<MetaData>" in text:
            return read_metaseries(text, channel)
        if "<BTIImageMetaData" in text and "<OME" not in text:
            return read_gen5(text, channel)
        if "<OME" in text:
            metadata = read_ome(text)
            if len(metadata.channels) == 1 and channel is not None:
                info = msgspec.structs.replace(metadata.channels[0], channel=channel)
                metadata = msgspec.structs.replace(metadata, channels=(info,))
            return metadata
    except MetadataError as error:
        raise StorageError(f"the description of {path} could not be read: {error}") from error
    return None


def read_record(path: str, components: Components) -> ImageRecord | None:
    """Return what a file of one plane states about its image, `None` where it states nothing.

    Raises
    ------
    StorageError
        The file could not be read, or its description is damaged.
    """
    metadata = read_image_metadata(path, components.channel)
    return metadata.records[0] if metadata is not None and metadata.records else None


@dataclass(slots=True)
class Description:
    """What a plate's own images say of it.

    Parameters
    ----------
    metadata
        Of as many images as it takes to know every channel.
    problems
        Images that were opened for it and could not be read.
    """

    metadata: PlateMetadata = field(default_factory=PlateMetadata)
    problems: list[str] = field(default_factory=list)

    @property
    def site(self) -> int | None:
        """The one site that the images which were looked at state."""
        sites = {record.components.site for record in self.metadata.records if record.components}
        return sites.pop() if len(sites) == 1 else None


def describe(images: Iterable[tuple[str, Components]]) -> Description:
    """Return what images of one plane each say, after a look into one of every channel and into one stack.

    Parameters
    ----------
    images
        Path and components of each, sorted.
    """
    images = tuple(images)
    described = Description()
    by_channel: dict[int | str | None, list[str]] = {}
    for path, components in images:
        some = by_channel.setdefault(components.channel, [])
        if len(some) < _TRIES:
            some.append(path)
    parts = [_first_description(paths, channel, described) for channel, paths in by_channel.items()]
    described.metadata = merge_metadata(*filter(None, parts))
    if described.metadata.source and described.metadata.z_step_um is None:
        step = _measure_z_step(images, described)
        described.metadata = msgspec.structs.replace(described.metadata, z_step_um=step)
    return described


def _first_description(
    paths: Sequence[str], channel: int | str | None, described: Description
) -> PlateMetadata | None:
    for path in paths:
        try:
            return read_image_metadata(path, channel)
        except StorageError as error:
            described.problems.append(str(error))
    return None


def _measure_z_step(images: Sequence[tuple[str, Components]], described: Description) -> float | None:
    """Return the distance of slices in the first stack that has several, from its first and last image."""
    stacks: dict[Components, list[str]] = {}
    for path, components in images:
        if components.z_index is not None:
            stacks.setdefault(msgspec.structs.replace(components, z_index=0), []).append(path)
    components_of = dict(images)
    paths = next((paths for paths in stacks.values() if len(paths) > 1), [])
    if len(paths) > 2 and components_of[paths[0]].z_index == 0:
        # In an export of MetaXpress this is the projection.
        del paths[0]
    records: list[ImageRecord] = []
    for path in {paths[0], paths[-1]} if paths else ():
        try:
            record = read_record(path, components_of[path])
        except StorageError as error:
            described.problems.append(str(error))
            continue
        if record is not None:
            records.append(msgspec.structs.replace(record, components=components_of[path]))
    return z_step_of(records)
