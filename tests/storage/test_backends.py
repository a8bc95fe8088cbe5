"""One contract for every backend that keeps images, and what is particular to each."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

from platecast.errors import ImageNotFoundError, StorageError, UnsupportedArrayError
from platecast.storage import DiskBackend, MemoryBackend, StorageBackend, StreamingBackend, ZarrBackend


@dataclass(frozen=True)
class Place:
    """A backend and where it puts things."""

    backend: StorageBackend
    folder: Path
    suffix: str = ".tif"

    def path(self, well="A01", below="."):
        return self.folder / below / f"well-{well}{self.suffix}"


PLACES = {
    "memory": lambda folder: Place(MemoryBackend(), folder),
    "TIFF": lambda folder: Place(DiskBackend(), folder),
    "TIFF compressed": lambda folder: Place(DiskBackend(compressed=True), folder, ".tiff"),
    "OME-TIFF": lambda folder: Place(DiskBackend(pixel_size_um=0.65), folder, ".ome.tif"),
    "PNG": lambda folder: Place(DiskBackend(), folder, ".PNG"),
    "NumPy": lambda folder: Place(DiskBackend(), folder, ".npy"),
    "OME-Zarr": lambda folder: Place(ZarrBackend(), folder / "store.zarr"),
}


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    place = PLACES[request.param](tmp_path)
    yield place
    place.backend.close()


PLANES = {
    **{
        dtype: np.arange(12).reshape(3, 4).astype(dtype)
        for dtype in ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
    },
    "one row": np.ones((1, 5), "uint16"),
    "nothing but zeros": np.zeros((3, 4), "uint16"),
    "colour": np.arange(36, dtype="uint8").reshape(3, 4, 3),
    "colour with opacity": np.arange(48, dtype="uint16").reshape(3, 4, 4),
    "not contiguous": np.arange(48, dtype="uint16").reshape(6, 8)[::2, ::2],
    "big-endian": np.arange(12, dtype=">u2").reshape(3, 4),
}


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_loads_what_was_saved(place, plane):
    if place.suffix == ".PNG" and plane.dtype.name not in ("uint8", "uint16"):
        with pytest.raises(UnsupportedArrayError, match="a PNG file holds uint8 or uint16"):
            place.backend.save(plane, place.path())
        assert place.backend.list(place.folder) == ()
        return
    path = place.path(below="new/folder")
    place.backend.save(plane, path)
    loaded = place.backend.load(str(path))
    assert loaded.dtype == plane.dtype.newbyteorder("=")
    assert loaded.dtype.isnative
    np.testing.assert_array_equal(loaded, plane)


def test_later_save_replaces(place):
    path = place.path()
    place.backend.save(np.zeros((2, 2), "uint8"), path)
    place.backend.save(np.ones((3, 3), "uint16"), path)
    assert place.backend.load(path).sum() == 9
    place.backend.save(np.full((2, 2), 5, "uint8"), path)
    assert place.backend.load(path).sum() == 20
    assert place.backend.list(place.folder) == (str(path),)


def test_loaded_array_belongs_to_the_caller(place):
    path = place.path()
    saved = np.ones((2, 2), "uint16")
    place.backend.save(saved, path)
    saved[:] = 7
    place.backend.load(path)[:] = 8
    assert place.backend.load(path).tolist() == [[1, 1], [1, 1]]


def test_lists_what_is_below_a_folder(place, tmp_path):
    paths = [place.path("B02"), place.path("A01"), place.path("C03", "deep/er")]
    beside = tmp_path.parent / f"{tmp_path.name}-beside.zarr" / "well-A01.tif"
    for path in [*paths, beside.with_suffix(place.suffix)]:
        place.backend.save(np.ones((2, 2), "uint8"), path)
    assert place.backend.list(tmp_path) == tuple(sorted(map(str, paths)))
    assert place.backend.list(place.folder / "deep") == (str(paths[2]),)
    assert place.backend.list(place.folder / "absent") == ()


def test_deleted_image_is_gone(place):
    path = place.path()
    place.backend.save(np.ones((2, 2), "uint8"), path)
    assert place.backend.exists(path)
    place.backend.delete(path)
    assert not place.backend.exists(path)
    with pytest.raises(ImageNotFoundError, match="well-A01"):
        place.backend.load(path)
    with pytest.raises(ImageNotFoundError, match="well-A01"):
        place.backend.delete(path)


def test_batch(place):
    paths = [place.path(f"A0{number}") for number in (1, 2, 3)]
    place.backend.save_batch([np.full((2, 2), number, "uint8") for number in range(3)], paths)
    assert [plane[0, 0] for plane in place.backend.load_batch(paths[::-1])] == [2, 1, 0]


def test_unknown_option_is_refused(place):
    with pytest.raises(TypeError, match="takes no option named colour"):
        place.backend.save_batch([], [], colour="red")


def test_array_that_is_no_plane_is_refused(place):
    with pytest.raises(UnsupportedArrayError, match="not a plane"):
        place.backend.save(np.zeros(3), place.path())
    assert place.backend.list(place.folder) == ()


def test_failed_write_leaves_the_old_image(place, monkeypatch):
    path = place.path()
    place.backend.save(np.ones((2, 2), "uint8"), path)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", disk_full)
        if isinstance(place.backend, MemoryBackend):
            return
        with pytest.raises(StorageError, match="No space left"):
            place.backend.save(np.zeros((2, 2), "uint8"), path)
    assert place.backend.load(path).sum() == 4
    assert not list(place.folder.rglob("*.part*"))


def disk_full(*args, **kwargs):
    raise OSError(28, "No space left on device")


DAMAGED = {
    f"{name} in {suffix}": (content, suffix)
    for suffix in (".tif", ".png", ".npy")
    for name, content in {
        "text": b"this is no image",
        "nothing": b"",
        "the beginning": {
            ".tif": b"II*\x00\x08\x00\x00\x00\x05\x00",
            ".png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
            ".npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<u2'",
        }[suffix],
    }.items()
}


@pytest.mark.parametrize(("content", "suffix"), DAMAGED.values(), ids=DAMAGED)
def test_disk_names_a_damaged_file(tmp_path, content, suffix):
    path = tmp_path / f"image{suffix}"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=rf"image\{suffix} could not be read"):
        DiskBackend().load(path)


def test_disk_runs_nothing_that_a_file_holds(tmp_path):
    np.save(tmp_path / "image.npy", np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    with pytest.raises(StorageError, match="could not be read"):
        DiskBackend().load(tmp_path / "image.npy")


def test_disk_refuses_an_array_file_that_holds_no_plane(tmp_path):
    np.save(tmp_path / "image.npy", np.zeros((4, 5, 6)))
    with pytest.raises(StorageError, match=r"image\.npy could not be read: .* not a plane"):
        DiskBackend().load(tmp_path / "image.npy")


def test_disk_says_how_large_a_pixel_is(tmp_path):
    plane = np.ones((4, 6), "uint16")
    for name in ("image.tif", "image.ome.tif"):
        DiskBackend(pixel_size_um=0.65).save(plane, tmp_path / name)
    with tifffile.TiffFile(tmp_path / "image.tif") as tiff:
        tags = tiff.pages.first.tags
        assert tiff.series[0].axes == "YX"
        assert tags["ResolutionUnit"].value == tifffile.RESUNIT.CENTIMETER
        dots, per = tags["XResolution"].value
        assert dots / per * 0.65e-4 == pytest.approx(1)
    with tifffile.TiffFile(tmp_path / "image.ome.tif") as tiff:
        assert 'PhysicalSizeX="0.65" PhysicalSizeXUnit="µm"' in tiff.ome_metadata


def test_suffix_may_be_in_capitals(tmp_path):
    DiskBackend().save(np.ones((2, 2), "uint8"), tmp_path / "image.TIF")
    assert DiskBackend().list(tmp_path) == (str(tmp_path / "image.TIF"),)


def test_disk_refuses_a_file_of_several_planes(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 8, 8), "uint16"), photometric="minisblack")
    with pytest.raises(StorageError, match="holds 5 pages"):
        DiskBackend().load(tmp_path / "stack.tif")


def test_disk_reads_colours_stored_one_after_the_other(tmp_path):
    plane = np.arange(36, dtype="uint8").reshape(3, 3, 4)
    tifffile.imwrite(tmp_path / "rgb.tif", plane, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(DiskBackend().load(tmp_path / "rgb.tif"), np.moveaxis(plane, 0, -1))


def test_disk_refuses_other_formats(tmp_path):
    with pytest.raises(StorageError, match=r"needs \.tif or \.tiff or \.png or \.npy"):
        DiskBackend().save(np.zeros((2, 2), "uint8"), tmp_path / "image.gif")


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".bmp"])
def test_disk_does_not_write_what_it_only_reads(tmp_path, suffix):
    with pytest.raises(StorageError, match="read and not written"):
        DiskBackend().save(np.zeros((2, 2), "uint8"), tmp_path / f"image{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("colours", [(), (3,)])
@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_disk_reads_exports_and_tells_where_one_ends_early(tmp_path, suffix, colours):
    codecs = pytest.importorskip("imagecodecs", reason="needs the extra 'io'")
    plane = np.full((40, 48, *colours), 90, "uint8")
    encode = {".jpg": codecs.jpeg8_encode, ".bmp": codecs.bmp_encode}[suffix]
    content = encode(plane)
    path = tmp_path / f"image{suffix}"
    path.write_bytes(content)
    loaded = DiskBackend().load(path)
    assert (loaded.shape, loaded.dtype) == (plane.shape, plane.dtype)
    assert abs(loaded.astype(int) - 90).max() <= 2
    assert DiskBackend().header(path) == (plane.shape, plane.dtype)
    for length in (0, 3, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(StorageError, match=r"image\.\w+ could not be read"):
            DiskBackend().header(path)


class _Sink(StreamingBackend):
    def __init__(self):
        self.taken = []

    def save_batch(self, data, paths, **options):
        self.taken += zip(data, paths, strict=True)


@pytest.mark.parametrize("method", ["load", "list", "exists", "delete"])
def test_streaming_backend_keeps_nothing(method):
    with pytest.raises(StorageError, match="keeps none"):
        getattr(_Sink(), method)("image.tif")


def test_streaming_backend_saves_single_planes_too():
    sink = _Sink()
    sink.save("plane", "image.tif")
    assert sink.taken == [("plane", "image.tif")]


def test_two_backends_cannot_have_one_name():
    with pytest.raises(StorageError, match="a backend named 'disk' exists already"):
        type("Another", (StorageBackend,), {"name": "disk"})


def test_tifffile_is_imported_when_the_disk_is_used():
    code = (
        "import sys, platecast.storage as s; assert 'tifffile' not in sys.modules; files = s.FileManager()\n"
        "try: files.load('absent.tif', 'disk')\n"
        "except FileNotFoundError: assert 'tifffile' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
