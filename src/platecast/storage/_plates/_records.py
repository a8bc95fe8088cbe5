"""What the files beside the images state, for each folder that holds some."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from platecast.components import (
    ImageRecord,
    PlateMetadata,
    is_alternative,
    merge_metadata,
    metadata_rank,
    read_metadata,
)
from platecast.errors import MetadataError
from platecast.storage._places import join as join_place
from platecast.storage._places import read_bytes
from platecast.storage._plates._scan import join


@dataclass(slots=True)
class PlateRecords:
    """What is stated about a plate.

    Parameters
    ----------
    metadata
        All of it together.
    images
        The records of each image file, by its relative path.
    index_of
        The file that records an image, by the image's relative path.
    problems
        Files that could not be read, and what they complain of.
    """

    metadata: PlateMetadata = field(default_factory=PlateMetadata)
    images: dict[str, list[ImageRecord]] = field(default_factory=dict)
    index_of: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_records(root: str, files: Sequence[tuple[str, str]]) -> PlateRecords:
    """Return what files that describe a plate state.

    Parameters
    ----------
    root
        The plate's folder.
    files
        Folder below `root` and name of each file.
    """
    records = PlateRecords()
    parts: list[PlateMetadata] = []
    for folder, names in _by_folder(files).items():
        measured: list[tuple[str, PlateMetadata]] = []
        known: set[int] = set()
        for rank, name in names:
            # Harmony has its index under several names; one that is damaged may have a sound one beside it.
            is_copy = rank in known and is_alternative(rank)
            metadata = None if is_copy else _read(root, join(folder, name), records.problems)
            if metadata is not None:
                known.add(rank)
                measured.append((join(folder, name), metadata))
        whole = merge_metadata(*(metadata for _, metadata in measured))
        parts.append(whole)
        for place, metadata in measured:
            _add(records, place, metadata, whole.plate)
    records.metadata = merge_metadata(*parts)
    return records


def some(lines: Sequence[str]) -> str:
    """Return the first of several lines, with the number of the others."""
    return lines[0] if len(lines) == 1 else f"{lines[0]} (and {len(lines) - 1} more)"


def _by_folder(files: Iterable[tuple[str, str]]) -> dict[str, list[tuple[int, str]]]:
    """Group the files to read by their folders, each with its rank."""
    folders: dict[str, list[tuple[int, str]]] = defaultdict(list)
    present = set(files)
    for folder, name in present:
        rank = metadata_rank(name)
        # MetaXpress writes a copy into every folder of a time point and slice; the outermost one is read.
        is_copy = name.lower().endswith(".htd") and any((above, name) in present for above in _above(folder))
        if rank is not None and not is_copy:
            folders[folder].append((rank, name))
    return {folder: sorted(folders[folder]) for folder in sorted(folders)}


def _above(folder: str) -> Iterable[str]:
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _read(root: str, place: str, problems: list[str]) -> PlateMetadata | None:
    try:
        metadata = read_metadata(posixpath.basename(place), read_bytes(join_place(root, place)))
    except OSError as error:
        problems.append(f"{place}: {error.strerror or error}")
        return None
    except MetadataError as error:
        problems.append(f"{place}: {error}")
        return None
    if metadata.complaints:
        problems.append(f"{place}: {some(metadata.complaints)}")
    return metadata


def _add(records: PlateRecords, index: str, metadata: PlateMetadata, plate: str | None) -> None:
    folder = posixpath.dirname(index)
    for record in metadata.records:
        place = join(folder, record.name)
        if "./" in place:
            place = posixpath.normpath(place)
        what = record.components
        if plate is not None and what is not None and what.plate is None:
            components = msgspec.structs.replace(what, plate=plate)
            known = msgspec.structs.replace(record, components=components)
        else:
            known = record
        # A second measurement's index may lie elsewhere and speak of the same file: the first one is
        # believed.
        if records.index_of.setdefault(place, index) == index:
            records.images.setdefault(place, []).append(known)
