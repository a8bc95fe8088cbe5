"""Reads planes of which only the header came, from where their sender says that they rest."""

import functools
import os
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import numpy.typing as npt

from platecast.storage._files import FileManager

_AS_BYTES = "+bytes"
"""Behind the backend of an address whose path is percent-encoded bytes."""


def load_resting(address: str) -> npt.NDArray[Any]:
    """Return the plane at an address, ``backend:path``.

    Raises
    ------
    OSError
        It is not there or cannot be read.
    LookupError
        There is no such backend.
    """
    backend, path = _parse(address)
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
    backend, path = _parse(address)
    return _files().load_small(path, backend, side_px)


def resting_address(backend: str, path: str) -> str:
    """Return backend and path in one text that can be sent, also of a file whose name is no Unicode.

    Examples
    --------
    >>> resting_address("disk", "/plate/a.tif"), resting_address("disk", "/plate/\udce4.tif")
    ('disk:/plate/a.tif', 'disk+bytes:/plate/%E4.tif')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"{backend}{_AS_BYTES}:{quote_from_bytes(os.fsencode(path))}"
    return f"{backend}:{path}"


def _parse(address: str) -> tuple[str, str]:
    backend, _, path = address.partition(":")
    if backend.endswith(_AS_BYTES):
        return backend.removesuffix(_AS_BYTES), os.fsdecode(unquote_to_bytes(path))
    return backend, path


@functools.cache
def _files() -> FileManager:
    # Made when the first plane is read: most viewers never read any.
    return FileManager()
