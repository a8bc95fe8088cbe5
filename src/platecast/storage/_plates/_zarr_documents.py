"""The metadata of Zarr groups and arrays of others, read as the JSON documents they are."""

import json
from collections.abc import Iterable
from typing import Any

from platecast.errors import StorageError
from platecast.storage._places import base_name, exists, is_url, join, parent, read_bytes, read_many

_GROUP_NAMES = ("zarr.json", ".zattrs")
_ARRAY_NAMES = ("zarr.json", ".zarray")


class ZarrDocuments:
    """Reads documents; those at URLs many at a time, where it is told in time.

    Parameters
    ----------
    root
        The store: what format it is of, all below it are.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._fetched: dict[str, bytes] = {}
        self._asked: set[str] = set()

    def fetch_groups(self, groups: Iterable[str]) -> None:
        """Read documents of groups that will be asked for."""
        self._fetch(groups, _GROUP_NAMES)

    def fetch_arrays(self, arrays: Iterable[str]) -> None:
        """Read documents of arrays that will be asked for."""
        self._fetch(arrays, _ARRAY_NAMES)

    def attributes(self, group: str) -> dict[str, Any]:
        """Return a group's attributes.

        Raises
        ------
        StorageError
            It has none that can be read.
        """
        found = self._first(group, _GROUP_NAMES)
        if found is None:
            raise StorageError("its metadata are not there" if exists(group) else "it is not there")
        name, document = found
        return document.get("attributes") or {} if name == "zarr.json" else document

    def shape(self, array: str) -> tuple[int, ...]:
        """Return an array's shape.

        Raises
        ------
        StorageError
            It is not there or cannot be read.
        """
        found = self._first(array, _ARRAY_NAMES)
        if found is None:
            raise StorageError(f"its array {base_name(array)!r} is not there")
        return tuple(int(length) for length in found[1]["shape"])

    def _fetch(self, nodes: Iterable[str], names: tuple[str, ...]) -> None:
        if is_url(self._root):
            name = names[0] if join(self._root, names[0]) in self._fetched else names[1]
            places = [join(node, name) for node in nodes]
            self._asked.update(places)
            self._fetched |= read_many(places)

    def _first(self, node: str, names: tuple[str, ...]) -> tuple[str, dict[str, Any]] | None:
        if any(join(node, name) in self._asked for name in names):
            names = tuple(name for name in names if join(node, name) in self._fetched)
        for name in names:
            place = join(node, name)
            try:
                content = self._fetched.get(place) or read_bytes(place)
                if node == self._root:
                    self._fetched[place] = content
                document = json.loads(content)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                raise StorageError(f"{place} could not be read: {error}") from error
            if not isinstance(document, dict):
                raise StorageError(f"{place} holds no metadata")
            return name, document
        return None


def ome_part(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return OME's part of a group's attributes: under ``ome`` since 0.5, all of them before."""
    ome = attributes.get("ome")
    return ome if isinstance(ome, dict) else attributes


def lower_levels(array: str) -> tuple[str, ...]:
    """Return the arrays that hold the image of an array at lower resolutions, the finer ones first.

    None where the group around it says nothing of them, or nothing that can be read.
    """
    group = parent(array)
    try:
        datasets = ome_part(ZarrDocuments(group).attributes(group))["multiscales"][0]["datasets"]
        paths = [str(dataset["path"]) for dataset in datasets]
        after = paths.index(base_name(array)) + 1
    except (StorageError, LookupError, TypeError, ValueError):
        return ()
    return tuple(join(group, path) for path in paths[after:])
