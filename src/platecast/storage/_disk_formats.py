"""Planes in files: how each format that a suffix names is written and read.

A library is imported when the first file of its format is touched: a worker that only streams never pays.
"""

import math
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from platecast.arrays import PLANE_DTYPES
from platecast.errors import ImageNotFoundError, StorageError, UnsupportedArrayError
from platecast.storage._backend import Header
from platecast.storage._tiff_header import read_tiff_header

if TYPE_CHECKING:
    import tifffile

_PNG_DTYPES = ("uint8", "uint16")
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PNG_SAMPLES: dict[int, tuple[int, ...]] = {0: (), 2: (3,), 6: (4,)}
"""Samples of a pixel by the colour type of a PNG file; of other types, the content is read."""
_JPEG_END = b"\xff\xd9"
_BMP_SIZE = struct.Struct("<2xI")
"""How a BMP file begins: with two letters, and how long it is."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What is said of a plane beside its pixels; each format takes what it knows.

    Parameters
    ----------
    name
        Name that the file will bear.
    compressed
        Whether TIFF files are compressed.
    pixel_size_um
        Distance of neighbouring pixels on the sample.
    """

    name: str
    compressed: bool
    pixel_size_um: float | None


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How a plane is written to a file and read from one."""

    write: Callable[[Path, npt.NDArray[Any], WriteOptions], None]
    read: Callable[[Path], npt.NDArray[Any]]
    header: Callable[[Path], Header | None]
    """Tells shape and dtype from the head of a file, `None` where it has to be read for that."""


def find_format(path: Path) -> FileFormat:
    """Return the format that a file's suffix names.

    Raises
    ------
    StorageError
        It names none that we write.
    """
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise StorageError(f"{path} is no image file of ours: the disk backend needs {' or '.join(SUFFIXES)}")
    return found


def _write_tiff(target: Path, plane: npt.NDArray[Any], options: WriteOptions) -> None:
    size_um = options.pixel_size_um
    axes: dict[str, object] = {"axes": "YXS" if plane.ndim == 3 else "YX"}
    is_ome = options.name.lower().endswith((".ome.tif", ".ome.tiff"))
    if is_ome and size_um is not None:
        axes |= {"PhysicalSizeX": size_um, "PhysicalSizeY": size_um}
        axes |= {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    _import("tifffile").imwrite(
        target,
        plane,
        photometric="rgb" if plane.ndim == 3 else "minisblack",
        compression="zlib" if options.compressed else None,
        # Not guessed from the name: the file has another one until it is complete.
        ome=is_ome,
        metadata=axes,
        resolution=None if size_um is None else (1e4 / size_um, 1e4 / size_um),
        resolutionunit=None if size_um is None else "CENTIMETER",
        software="platecast",
    )


def _read_tiff(source: Path) -> npt.NDArray[Any]:
    library = _import("tifffile")
    try:
        with library.TiffFile(source) as tiff:
            return _read_page(tiff, source)
    except (StorageError, FileNotFoundError):
        raise
    # What tifffile and the codecs raise for a damaged file.
    except (OSError, library.TiffFileError, ValueError, RuntimeError, LookupError, struct.error) as error:
        raise StorageError(f"{source} could not be read: {error}") from error


def _read_page(tiff: "tifffile.TiffFile", source: Path) -> npt.NDArray[Any]:
    if len(tiff.pages) != 1:
        raise StorageError(f"{source} holds {len(tiff.pages)} pages: expected one plane a file")
    page = tiff.pages.first
    plane = page.asarray()
    if plane.ndim == 3 and page.axes.startswith("S"):
        # Colours stored one after the other rather than pixel by pixel.
        plane = np.moveaxis(plane, 0, -1)
    return plane


def _tiff_header(source: Path) -> Header | None:
    page = read_tiff_header(str(source))
    if page is None:
        return None
    if not page.is_last:
        raise StorageError(f"{source} holds several pages: expected one plane a file")
    return page.shape, page.dtype


def _write_png(target: Path, plane: npt.NDArray[Any], options: WriteOptions) -> None:
    if plane.dtype.name not in _PNG_DTYPES:
        raise UnsupportedArrayError(
            f"{options.name}: a PNG file holds {' or '.join(_PNG_DTYPES)} and not {plane.dtype}:"
            " use .tif or .npy"
        )
    target.write_bytes(_import("imagecodecs").png_encode(np.ascontiguousarray(plane)))


def _read_png(source: Path) -> npt.NDArray[Any]:
    content = source.read_bytes()
    if content.startswith(_PNG_START) and _PNG_END not in content:
        raise StorageError(f"{source} could not be read: it ends too early")
    try:
        return np.asarray(_import("imagecodecs").png_decode(content))
    except (ValueError, RuntimeError) as error:
        raise StorageError(f"{source} could not be read: {error}") from error


def _png_header(source: Path) -> Header | None:
    try:
        with source.open("rb") as file:
            start = file.read(len(_PNG_START) + 10)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_PNG_END)))
            end = file.read()
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no image {source}") from error
    except OSError as error:
        raise StorageError(f"{source} could not be read: {error}") from error
    if not start.startswith(_PNG_START) or end != _PNG_END:
        return None
    width, height, bits, colours = struct.unpack(">IIBB", start[len(_PNG_START) :])
    samples = _PNG_SAMPLES.get(colours)
    if samples is None or bits not in (8, 16):
        return None
    return (height, width, *samples), np.dtype(f"u{bits // 8}")


def _refuse_to_write(target: Path, plane: npt.NDArray[Any], options: WriteOptions) -> None:
    raise StorageError(f"{options.name}: files of this kind are read and not written: use .tif, .png or .npy")


def _read_jpeg(source: Path) -> npt.NDArray[Any]:
    content = source.read_bytes()
    # The library makes up what is missing at the end.
    if not content.rstrip(b"\x00").endswith(_JPEG_END):
        raise StorageError(f"{source} could not be read: it ends too early, or is no JPEG file")
    try:
        return np.asarray(_import("imagecodecs").jpeg8_decode(content))
    except (ValueError, RuntimeError) as error:
        raise StorageError(f"{source} could not be read: {error}") from error


def _read_bmp(source: Path) -> npt.NDArray[Any]:
    content = source.read_bytes()
    if len(content) < _BMP_SIZE.size or len(content) < _BMP_SIZE.unpack_from(content)[0]:
        raise StorageError(f"{source} could not be read: it ends too early")
    try:
        return np.asarray(_import("imagecodecs").bmp_decode(content))
    except (ValueError, RuntimeError) as error:
        raise StorageError(f"{source} could not be read: {error}") from error


def _write_npy(target: Path, plane: npt.NDArray[Any], options: WriteOptions) -> None:
    with target.open("wb") as file:
        np.save(file, plane, allow_pickle=False)


def _read_npy(source: Path) -> npt.NDArray[Any]:
    try:
        with source.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise StorageError(f"{source} could not be read: {error}") from error


def _npy_header(source: Path) -> Header | None:
    try:
        with source.open("rb") as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                return None
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.name not in PLANE_DTYPES:
                return None
            end = file.tell() + math.prod(shape) * dtype.itemsize
            if file.seek(0, os.SEEK_END) < end:
                raise StorageError(f"{source} could not be read: it ends too early")
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no image {source}") from error
    except StorageError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise StorageError(f"{source} could not be read: {error}") from error
    return shape, dtype.newbyteorder("=")


def _no_header(source: Path) -> Header | None:
    return None


def _import(name: str) -> Any:  # noqa: ANN401 (the module itself)
    try:
        return __import__(name)
    except ImportError as error:
        raise StorageError(f"the disk backend needs {name}: pip install 'platecast[io]'") from error


_TIFF = FileFormat(_write_tiff, _read_tiff, _tiff_header)
_JPEG = FileFormat(_refuse_to_write, _read_jpeg, _no_header)
_FORMATS = {
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".png": FileFormat(_write_png, _read_png, _png_header),
    ".npy": FileFormat(_write_npy, _read_npy, _npy_header),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".bmp": FileFormat(_refuse_to_write, _read_bmp, _no_header),
}
SUFFIXES = tuple(_FORMATS)
"""The suffixes that are read."""
