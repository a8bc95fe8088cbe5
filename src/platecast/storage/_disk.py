"""The backend that keeps planes as files of their own; what is in them is left to `_disk_formats`."""

import os
import secrets
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from platecast.arrays import to_host
from platecast.errors import ImageNotFoundError, StorageError, UnsupportedArrayError
from platecast.storage._backend import AnyPath, Header, StorageBackend
from platecast.storage._disk_formats import SUFFIXES, WriteOptions, find_format

__all__ = ["SUFFIXES", "DiskBackend"]


class DiskBackend(StorageBackend):
    """Keeps each plane as a file of its own, in the format that its suffix names.

    TIFF (``.tif``, ``.tiff``; OME-TIFF for ``.ome.tif``) and NumPy's ``.npy`` hold every plane, PNG those of
    uint8 and uint16; JPEG and BMP are read and not written. Reads the first page of any TIFF that tifffile
    reads, and refuses files of several pages: they are not a plane.

    Parameters
    ----------
    compressed
        Write TIFF with zlib (lossless): smaller files, written several times slower.
    pixel_size_um
        Distance of neighbouring pixels on the sample, written into TIFF files where it is known.
    """

    name: ClassVar[str] = "disk"

    def __init__(self, *, compressed: bool = False, pixel_size_um: float | None = None) -> None:
        self._compressed = compressed
        self._pixel_size_um = pixel_size_um

    def save(self, data: object, path: AnyPath) -> None:
        """Write a plane beside its place, then move it there in one step; makes missing folders."""
        target = Path(path)
        write = find_format(target).write
        plane = to_host(data)
        options = WriteOptions(target.name, self._compressed, self._pixel_size_um)
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(part, plane, options)
            os.replace(part, target)
        except StorageError:
            part.unlink(missing_ok=True)
            raise
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"{target} could not be written: {error}") from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Return the plane in a file, in native byte order."""
        source = Path(path)
        read = find_format(source).read
        try:
            return to_host(read(source))
        except FileNotFoundError as error:
            raise ImageNotFoundError(f"there is no image {source}") from error
        except StorageError:
            raise
        except (OSError, UnsupportedArrayError) as error:
            raise StorageError(f"{source} could not be read: {error}") from error

    def header(self, path: AnyPath) -> Header:
        """Return shape and dtype of the plane in a file; of TIFF and NumPy files only the head is read."""
        source = Path(path)
        known = find_format(source).header(source)
        return super().header(path) if known is None else known

    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Return the sorted paths of all image files in a folder and below."""
        return tuple(
            sorted(
                os.path.join(parent, name)
                for parent, _, names in os.walk(folder)
                for name in names
                if name.lower().endswith(SUFFIXES) and not name.startswith(".")
            )
        )

    def exists(self, path: AnyPath) -> bool:
        """Return whether the file is there."""
        target = Path(path)
        find_format(target)
        return target.is_file()

    def delete(self, path: AnyPath) -> None:
        """Remove the file."""
        target = Path(path)
        find_format(target)
        try:
            target.unlink()
        except FileNotFoundError as error:
            raise ImageNotFoundError(f"there is no image {target}") from error
        except OSError as error:
            raise StorageError(f"{target} could not be deleted: {error}") from error
