"""What every backend must do: those that keep images, that only read, and that hand them on."""

import signal
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import tifffile

from platecast.errors import ImageNotFoundError, PlatecastError, StorageError
from platecast.storage import FileManager, StorageBackend, StreamingBackend
from tests.storage.plates import DATA, write_plate

KEEPING = {"memory": ".tif", "disk": ".tif", "zarr": ".tif"}
PLANE = np.arange(12, dtype="uint16").reshape(3, 4)


@dataclass(frozen=True)
class Reading:
    """A path that can be read, one that cannot, and what rests there."""

    present: str
    absent: str
    plane: np.ndarray


@pytest.fixture
def files():
    with FileManager() as files:
        yield files


@pytest.fixture(params=["page", "array"])
def reading(request, tmp_path):
    """Give a plane that others wrote, for the backend that only reads."""
    if request.param == "page":
        tifffile.imwrite(tmp_path / "a.tif", np.stack([PLANE, PLANE + 1]), photometric="minisblack")
        return Reading(f"{tmp_path}/a.tif#page=1", f"{tmp_path}/a.tif#page=2", PLANE + 1)
    write_plate(tmp_path / "P1.zarr", wells=("B/03",), fields=("0",))
    source = f"{tmp_path}/P1.zarr/B/03/0/0"
    return Reading(f"{source}#index=0,1,2", f"{source}#index=0,1,9", DATA[0, 1, 2])


def test_every_backend_of_ours_is_found_by_name(files):
    for name in (*KEEPING, "plate", "napari_stream"):
        backend = files.backend(name)
        assert isinstance(backend, StorageBackend)
        assert backend.name == name


@pytest.mark.parametrize("name", KEEPING)
def test_backend_that_keeps_images(files, tmp_path, name):
    folder = tmp_path / "x.zarr"
    paths = [str(folder / f"well-A0{number}_site-1{KEEPING[name]}") for number in (1, 2, 3)]
    assert not files.exists(paths[0], name)
    for action in (files.load, files.delete, lambda path, name: files.backend(name).header(path)):
        with pytest.raises(ImageNotFoundError) as caught:
            action(paths[0], name)
        assert isinstance(caught.value, (StorageError, FileNotFoundError, PlatecastError))
    assert files.list(folder, name) == ()
    files.save_batch([PLANE + number for number in range(3)], paths, name)
    assert files.list(folder, name) == tuple(paths)
    for number, plane in enumerate(files.load_batch(paths, name)):
        np.testing.assert_array_equal(plane, PLANE + number)
        shape, dtype = files.backend(name).header(paths[number])
        assert (shape, dtype) == (PLANE.shape, PLANE.dtype)
    files.delete(paths[1], name)
    assert files.list(folder, name) == (paths[0], paths[2])
    files.close()
    # Used afterwards, a backend is made anew; what lies on a disk is still there.
    assert files.exists(paths[0], name) == (name != "memory")


def test_backend_that_only_reads(files, reading):
    np.testing.assert_array_equal(files.load(reading.present, "plate"), reading.plane)
    assert files.backend("plate").header(reading.present) == (reading.plane.shape, reading.plane.dtype)
    assert files.exists(reading.present, "plate")
    with pytest.raises(ImageNotFoundError):
        files.load(reading.absent, "plate")
    for action in (lambda path: files.save(PLANE, path, "plate"), lambda path: files.delete(path, "plate")):
        with pytest.raises(StorageError, match="only reads"):
            action(reading.present)
    with pytest.raises(StorageError, match="is not the path of a page or plane"):
        files.load("image.tif", "plate")
    np.testing.assert_array_equal(files.load(reading.present, "plate"), reading.plane)


def test_backend_that_hands_images_on(files):
    assert isinstance(files.backend("napari_stream"), StreamingBackend)
    for action in (files.load, files.list, files.exists, files.delete):
        with pytest.raises(StorageError, match="keeps none"):
            action("well-A01.tif", "napari_stream")


WRITER = """
import sys
import numpy as np
from platecast.storage import FileManager

files, value = FileManager(), 0
print("begun", flush=True)
while True:
    value = value % 200 + 1
    files.save(np.full((700, 700), value, "uint16"), sys.argv[1], sys.argv[2])
    print(value, flush=True)
"""


@pytest.mark.parametrize("name", ["disk", "zarr"])
def test_writer_killed_in_the_middle_leaves_a_whole_image(files, tmp_path, name):
    path = tmp_path / "x.zarr" / "well-A01_site-1.tif"
    for rounds in (3, 8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True
        )
        for _ in range(rounds):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=10)
        assert len(np.unique(files.load(path, name))) == 1, "an image is there in part"
        assert files.list(tmp_path, name) == (str(path),)


@pytest.mark.parametrize("name", KEEPING)
def test_small_picture_of_what_is_kept(files, tmp_path, name):
    path = str(tmp_path / "x.zarr" / f"well-A01_site-1{KEEPING[name]}")
    plane = np.full((1100, 700), 9, "uint16")
    files.save(plane, path, name)
    for side_px in (1, 128, 200, 699, 700, 5000):
        small = files.load_small(path, name, side_px)
        assert small.dtype == plane.dtype
        assert (small == 9).all()
        assert min(small.shape) >= min(side_px, 700)
    assert files.load_small(path, name, 128).shape == ((275, 175) if name == "zarr" else plane.shape)
    with pytest.raises(ImageNotFoundError):
        files.load_small(path.replace("A01", "A02"), name, 128)


def test_small_picture_of_what_others_wrote(files, reading):
    np.testing.assert_array_equal(files.load_small(reading.present, "plate", 1), reading.plane)
    with pytest.raises(ImageNotFoundError):
        files.load_small(reading.absent, "plate", 1)
