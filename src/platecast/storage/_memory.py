"""The backend that keeps planes in this process's memory."""

import posixpath
from pathlib import PurePath
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from platecast.arrays import copy_into, describe
from platecast.errors import ImageNotFoundError
from platecast.storage._backend import AnyPath, StorageBackend


class MemoryBackend(StorageBackend):
    """Keeps planes in memory, copied in and copied out, as long as the instance lives."""

    name: ClassVar[str] = "memory"

    def __init__(self) -> None:
        # Every method touches the dictionary in one atomic operation, so threads need no lock.
        self._planes: dict[str, npt.NDArray[Any]] = {}

    def save(self, data: object, path: AnyPath) -> None:
        """Keep a copy of a plane."""
        plane = np.empty(*describe(data))
        copy_into(data, plane)
        self._planes[_key(path)] = plane

    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Return a copy of a plane."""
        plane = self._planes.get(_key(path))
        if plane is None:
            raise ImageNotFoundError(f"memory holds no image {_key(path)!r}")
        return plane.copy()

    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Return the sorted paths of all images in a folder and below."""
        parent = PurePath(_key(folder))
        keys = tuple(self._planes)
        return tuple(sorted(key for key in keys if parent in PurePath(key).parents))

    def exists(self, path: AnyPath) -> bool:
        """Return whether a plane is kept under `path`."""
        return _key(path) in self._planes

    def delete(self, path: AnyPath) -> None:
        """Let a plane go."""
        if self._planes.pop(_key(path), None) is None:
            raise ImageNotFoundError(f"memory holds no image {_key(path)!r}")

    def close(self) -> None:
        """Let all planes go."""
        self._planes.clear()


def _key(path: AnyPath) -> str:
    return posixpath.normpath(PurePath(path).as_posix())
