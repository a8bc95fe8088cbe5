"""Groups of a Zarr v3 store on disk: reading and replacing their documents, one writer at a time.

A group is a folder with a small JSON document. It is replaced in one step, so readers need no lock and a
process that is killed leaves the old one. Whoever changes one reads it again while it holds the plate's lock.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from platecast.errors import StorageError
from platecast.locks import lock

DOCUMENT = "zarr.json"
_NOTES = "platecast"

F = TypeVar("F", bound=msgspec.Struct)


def read_attributes(folder: Path) -> dict[str, Any] | None:
    """Return the attributes of a group, `None` where there is no group.

    Raises
    ------
    StorageError
        There is something else, or a document that cannot be read.
    """
    try:
        content = (folder / DOCUMENT).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise StorageError(f"{folder / DOCUMENT} could not be read: {error}") from error
    if document.get("node_type") != "group":
        raise StorageError(f"{folder} is no group of a Zarr v3 store")
    attributes = document.get("attributes", {})
    return attributes if isinstance(attributes, dict) else {}


def read_notes(folder: Path, notes: type[F]) -> F | None:
    """Return what we noted in a group, `None` where it has no notes of this type."""
    return notes_in(read_attributes(folder), notes)


def notes_in(attributes: Mapping[str, Any] | None, notes: type[F]) -> F | None:
    """Return the notes among a group's attributes, `None` where there are none of this type."""
    try:
        return msgspec.convert((attributes or {}).get(_NOTES), notes)
    except msgspec.ValidationError:
        return None


def ome_in(attributes: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the OME metadata among a group's attributes, empty where there are none."""
    ome = (attributes or {}).get("ome")
    return ome if isinstance(ome, dict) else {}


def write_group(folder: Path, ome: Mapping[str, Any] | None, notes: msgspec.Struct) -> None:
    """Make a group, or replace its OME metadata and notes; attributes of others stay.

    Parameters
    ----------
    folder
        The group.
    ome
        OME metadata; `None` for a group that is not yet to be seen as one.
    notes
        What we note.
    """
    attributes = read_attributes(folder) or {}
    attributes[_NOTES] = msgspec.to_builtins(notes)
    if ome is not None:
        attributes["ome"] = ome
    _replace(folder / DOCUMENT, _group(attributes))


def ensure_groups(root: Path, folder: Path) -> None:
    """Make `root`, `folder` and what is between them groups where they are none; changes no group."""
    for group in [*reversed(folder.parents), folder]:
        if not group.is_relative_to(root) or (group / DOCUMENT).exists():
            continue
        group.mkdir(parents=True, exist_ok=True)
        part = _part(group / DOCUMENT)
        part.write_bytes(_group({}))
        try:
            # Fails where somebody else was faster, whose document may hold more than ours.
            os.link(part, group / DOCUMENT)
        except FileExistsError:
            pass
        finally:
            part.unlink()


def resize_array(folder: Path, extent: tuple[int, ...]) -> None:
    """Give the first axes of an array new lengths; chunks stay where they are."""
    document = msgspec.json.decode((folder / DOCUMENT).read_bytes(), type=dict[str, Any])
    document["shape"] = [*extent, *document["shape"][len(extent) :]]
    _replace(folder / DOCUMENT, msgspec.json.encode(document))


@contextlib.contextmanager
def plate_lock(root: Path, folder: Path) -> Iterator[None]:
    """Keep every other thread and process from changing a plate's groups.

    The lock is a hidden file beside the store, because readers take any other file in a store for a
    broken group. It is gone when nobody holds it.
    """
    inner = folder.relative_to(root).as_posix()
    digest = hashlib.blake2b(inner.encode(errors="surrogateescape"), digest_size=4).hexdigest()
    path = root.with_name(f".{root.name}.{digest}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            lock(descriptor)
            if _is_same_file(descriptor, path):
                break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    try:
        yield
    finally:
        # While it is still held: whoever waits for it then finds that it is another file by now.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _group(attributes: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"zarr_format": 3, "node_type": "group", "attributes": attributes})


def _replace(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    try:
        part.write_bytes(content)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
