"""One contract for every backend that keeps images, and what is particular to each."""

import subprocess
import sys

import numpy as np
import pytest
import tifffile

from platecast.errors import ImageNotFoundError, StorageError, UnsupportedArrayError
from platecast.storage import DiskBackend, MemoryBackend, StorageBackend, StreamingBackend


@pytest.fixture(params=["memory", "disk", "disk compressed"])
def backend(request):
    if request.param == "memory":
        return MemoryBackend()
    return DiskBackend(compressed=request.param.endswith("compressed"))


PLANES = {
    **{
        dtype: np.arange(12).reshape(3, 4).astype(dtype)
        for dtype in ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
    },
    "one row": np.ones((1, 5), "uint16"),
    "colour": np.arange(36, dtype="uint8").reshape(3, 4, 3),
    "colour with opacity": np.arange(48, dtype="uint16").reshape(3, 4, 4),
    "not contiguous": np.arange(48, dtype="uint16").reshape(6, 8)[::2, ::2],
    "big-endian": np.arange(12, dtype=">u2").reshape(3, 4),
}


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_loads_what_was_saved(backend, tmp_path, plane):
    path = tmp_path / "new" / "folder" / "image.tif"
    backend.save(plane, path)
    loaded = backend.load(str(path))
    assert loaded.dtype == plane.dtype.newbyteorder("=")
    assert loaded.dtype.isnative
    np.testing.assert_array_equal(loaded, plane)


def test_later_save_replaces(backend, tmp_path):
    path = tmp_path / "image.tif"
    backend.save(np.zeros((2, 2), "uint8"), path)
    backend.save(np.ones((3, 3), "uint16"), path)
    assert backend.load(path).sum() == 9
    assert backend.list(tmp_path) == (str(path),)


def test_loaded_array_belongs_to_the_caller(backend, tmp_path):
    path = tmp_path / "image.tif"
    saved = np.ones((2, 2), "uint16")
    backend.save(saved, path)
    saved[:] = 7
    backend.load(path)[:] = 8
    assert backend.load(path).tolist() == [[1, 1], [1, 1]]


def test_lists_what_is_below_a_folder(backend, tmp_path):
    paths = [tmp_path / name for name in ("b.tif", "a.TIF", "deep/er/c.tiff")]
    for path in [*paths, tmp_path.parent / f"{tmp_path.name}-beside.tif"]:
        backend.save(np.ones((2, 2), "uint8"), path)
    assert backend.list(tmp_path) == tuple(sorted(map(str, paths)))
    assert backend.list(tmp_path / "deep") == (str(paths[2]),)
    assert backend.list(tmp_path / "absent") == ()


def test_deleted_image_is_gone(backend, tmp_path):
    path = tmp_path / "image.tif"
    backend.save(np.ones((2, 2), "uint8"), path)
    assert backend.exists(path)
    backend.delete(path)
    assert not backend.exists(path)
    with pytest.raises(ImageNotFoundError, match=r"image\.tif"):
        backend.load(path)
    with pytest.raises(ImageNotFoundError, match=r"image\.tif"):
        backend.delete(path)


def test_batch(backend, tmp_path):
    paths = [tmp_path / f"{number}.tif" for number in range(3)]
    backend.save_batch([np.full((2, 2), number, "uint8") for number in range(3)], paths)
    assert [plane[0, 0] for plane in backend.load_batch(paths[::-1])] == [2, 1, 0]


def test_unknown_option_is_refused(backend, tmp_path):
    with pytest.raises(TypeError, match="takes no option named colour"):
        backend.save_batch([], [], colour="red")


def test_array_that_is_no_plane_is_refused(backend, tmp_path):
    with pytest.raises(UnsupportedArrayError, match="not a plane"):
        backend.save(np.zeros(3), tmp_path / "image.tif")
    assert backend.list(tmp_path) == ()


DAMAGED = {
    "text": b"this is no image",
    "empty": b"",
    "cut off": b"II*\x00\x08\x00\x00\x00\x05\x00",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_disk_names_a_damaged_file(tmp_path, content):
    path = tmp_path / "image.tif"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"image\.tif could not be read"):
        DiskBackend().load(path)


def test_disk_refuses_a_file_of_several_planes(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 8, 8), "uint16"), photometric="minisblack")
    with pytest.raises(StorageError, match="holds 5 pages"):
        DiskBackend().load(tmp_path / "stack.tif")


def test_disk_reads_colours_stored_one_after_the_other(tmp_path):
    plane = np.arange(36, dtype="uint8").reshape(3, 3, 4)
    tifffile.imwrite(tmp_path / "rgb.tif", plane, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(DiskBackend().load(tmp_path / "rgb.tif"), np.moveaxis(plane, 0, -1))


def test_disk_refuses_other_formats(tmp_path):
    with pytest.raises(StorageError, match=r"needs \.tif or \.tiff"):
        DiskBackend().save(np.zeros((2, 2), "uint8"), tmp_path / "image.png")


def test_failed_write_leaves_the_old_image_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "image.tif"
    backend = DiskBackend()
    backend.save(np.ones((2, 2), "uint8"), path)

    def disk_full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", disk_full)
    with pytest.raises(StorageError, match="No space left"):
        backend.save(np.zeros((2, 2), "uint8"), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["image.tif"]
    assert backend.load(path).sum() == 4


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
