"""Reads planes of which only the header came, from where their sender says that they rest."""

import functools
from typing import Any

import numpy.typing as npt

from platecast.storage._files import FileManager


def load_resting(address: str) -> npt.NDArray[Any]:
    """Return the plane at an address, ``backend:path``.

    Raises
    ------
    OSError
        It is not there or cannot be read.
    LookupError
        There is no such backend.
    """
    backend, _, path = address.partition(":")
    return _files().load(path, backend)


def load_small(address: str, side_px: int) -> npt.NDArray[Any]:
    """Return the plane at an address at a low resolution, see `StorageBackend.load_small`.

    Raises
    ------
    OSError
        It is not there or cannot be read.
    LookupError
        There is no such backend.
    """
    backend, _, path = address.partition(":")
    return _files().load_small(path, backend, side_px)


@functools.cache
def _files() -> FileManager:
    # Made when the first plane is read: most viewers never read any.
    return FileManager()
