"""The backend that keeps planes as TIFF files; imports tifffile when the first one is touched."""

import os
import secrets
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from platecast.arrays import to_host
from platecast.errors import ImageNotFoundError, StorageError
from platecast.storage._backend import AnyPath, StorageBackend

if TYPE_CHECKING:
    import tifffile

SUFFIXES = (".tif", ".tiff")


class DiskBackend(StorageBackend):
    """Keeps each plane as a TIFF file of its own.

    Reads the first page of any TIFF that tifffile reads, and refuses files of several pages: they are
    not a plane.

    Parameters
    ----------
    compressed
        Write with zlib (lossless): smaller files, written several times slower.
    """

    name: ClassVar[str] = "disk"

    def __init__(self, *, compressed: bool = False) -> None:
        self._compressed = compressed

    def save(self, data: object, path: AnyPath) -> None:
        """Write a plane beside its place, then move it there in one step; makes missing folders."""
        target = _tiff_path(path)
        plane = to_host(data)
        library = _import_tifffile()
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            library.imwrite(
                part,
                plane,
                photometric="rgb" if plane.ndim == 3 else "minisblack",
                compression="zlib" if self._compressed else None,
                metadata=None,
            )
            os.replace(part, target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"{target} could not be written: {error}") from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Return the plane in a TIFF file, in native byte order."""
        source = _tiff_path(path)
        library = _import_tifffile()
        try:
            with library.TiffFile(source) as tiff:
                return _read_plane(tiff, source)
        except FileNotFoundError as error:
            raise ImageNotFoundError(f"there is no image {source}") from error
        except StorageError:
            raise
        # What tifffile and the codecs raise for a damaged file.
        except (OSError, library.TiffFileError, ValueError, RuntimeError, LookupError, struct.error) as error:
            raise StorageError(f"{source} could not be read: {error}") from error

    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Return the sorted paths of all TIFF files in a folder and below."""
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
        return _tiff_path(path).is_file()

    def delete(self, path: AnyPath) -> None:
        """Remove the file."""
        target = _tiff_path(path)
        try:
            target.unlink()
        except FileNotFoundError as error:
            raise ImageNotFoundError(f"there is no image {target}") from error
        except OSError as error:
            raise StorageError(f"{target} could not be deleted: {error}") from error


def _read_plane(tiff: "tifffile.TiffFile", source: Path) -> npt.NDArray[Any]:
    if len(tiff.pages) != 1:
        raise StorageError(f"{source} holds {len(tiff.pages)} pages: expected one plane a file")
    page = tiff.pages.first
    plane = page.asarray()
    if plane.ndim == 3 and page.axes.startswith("S"):
        # Colours stored one after the other rather than pixel by pixel.
        plane = np.moveaxis(plane, 0, -1)
    return to_host(plane)


def _tiff_path(path: AnyPath) -> Path:
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise StorageError(f"{target} is no TIFF file: the disk backend needs {' or '.join(SUFFIXES)}")
    return target


def _import_tifffile() -> Any:  # noqa: ANN401 (the module itself)
    # Here rather than above: a worker that only streams never pays for it.
    try:
        import tifffile
    except ImportError as error:
        raise StorageError("the disk backend needs tifffile: pip install 'platecast[io]'") from error
    return tifffile
