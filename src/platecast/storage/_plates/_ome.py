"""OME-TIFF files that hold several planes, or name their plate, each in its own description."""

import posixpath
import re
from collections.abc import Sequence

from platecast.components import PlateMetadata, merge_metadata, read_ome
from platecast.errors import MetadataError, StorageError
from platecast.storage._places import join as join_place
from platecast.storage._plates._records import PlateRecords
from platecast.storage._plates._scan import join
from platecast.storage._plates._tiff import read_description

_OME_TIFF = re.compile(r".+\.ome\.tiff?", re.IGNORECASE)


def is_ome_tiff(name: str) -> bool:
    """Return whether a file's name is that of an OME-TIFF."""
    return name[-1:] in "fF" and _OME_TIFF.fullmatch(name) is not None


def read_ome_tiffs(root: str, places: Sequence[str]) -> PlateRecords:
    """Return what OME-TIFF files state about themselves and each other.

    The first one decides: if it has one plane and names no well, so have the others, and none of them is
    opened.

    Parameters
    ----------
    root
        The plate's folder.
    places
        Relative paths of the files.
    """
    records = PlateRecords()
    parts: list[PlateMetadata] = []
    for place in places:
        if place in records.images:
            continue
        try:
            metadata = read_ome(read_description(join_place(root, place)))
        except (StorageError, MetadataError) as error:
            records.problems.append(f"{place}: {error}")
            continue
        if not parts and len(metadata.records) == 1 and not _has_well(metadata):
            break
        parts.append(metadata)
        for record in metadata.records:
            where = join(posixpath.dirname(place), record.name) if record.name else place
            if records.index_of.setdefault(where, place) == place:
                records.images.setdefault(where, []).append(record)
    records.metadata = merge_metadata(*parts)
    return records


def _has_well(metadata: PlateMetadata) -> bool:
    return any(record.components and record.components.well for record in metadata.records)
