"""Shape and dtype of a plane before it is read: always what `load` returns."""

import numpy as np
import pytest

from platecast.errors import ImageNotFoundError, StorageError
from platecast.storage import DiskBackend, FileManager, PlateBackend, open_plate

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")

PLANES = {
    "16 bits": (np.uint16, (6, 9), {}),
    "8 bits": (np.uint8, (6, 9), {}),
    "signed": (np.int16, (6, 9), {}),
    "floats": (np.float32, (6, 9), {}),
    "half floats, which become floats": (np.float16, (6, 9), {}),
    "64 bits, which become what holds them": (np.uint64, (6, 9), {}),
    "booleans": (bool, (6, 9), {}),
    "big-endian": (np.uint16, (6, 9), {"byteorder": ">"}),
    "BigTIFF": (np.uint16, (6, 9), {"bigtiff": True}),
    "compressed": (np.uint16, (64, 90), {"compression": "zlib"}),
    "tiles": (np.uint16, (64, 90), {"tile": (32, 32)}),
    "many strips": (np.uint16, (64, 90), {"rowsperstrip": 1}),
    "colours": (np.uint8, (6, 9, 3), {"photometric": "rgb"}),
    "colours one after the other": (np.uint8, (3, 6, 9), {"photometric": "rgb", "planarconfig": "separate"}),
}


@pytest.mark.parametrize(("dtype", "shape", "options"), PLANES.values(), ids=PLANES)
def test_header_of_a_tiff_file_is_that_of_its_plane(tmp_path, dtype, shape, options):
    plane = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", plane, **({"photometric": "minisblack"} | options))
    backend = DiskBackend()
    loaded = backend.load(tmp_path / "a.tif")
    assert backend.header(tmp_path / "a.tif") == (loaded.shape, loaded.dtype)


@pytest.mark.parametrize("suffix", [".npy", ".png", ".tif", ".ome.tif"])
def test_header_of_what_we_write(tmp_path, suffix):
    plane = np.ones((5, 7), np.uint16)
    backend = DiskBackend()
    backend.save(plane, tmp_path / f"a{suffix}")
    assert backend.header(tmp_path / f"a{suffix}") == ((5, 7), np.uint16)


PNG_KINDS = {
    "8 bits": (np.uint8, (6, 9)),
    "16 bits": (np.uint16, (6, 9)),
    "colours": (np.uint8, (6, 9, 3)),
    "colours and opacity": (np.uint16, (6, 9, 4)),
}


@pytest.mark.parametrize(("dtype", "shape"), PNG_KINDS.values(), ids=PNG_KINDS)
def test_header_of_a_png_file_is_that_of_its_plane(tmp_path, dtype, shape):
    codecs = pytest.importorskip("imagecodecs", reason="needs the extra 'io'")
    path = tmp_path / "a.png"
    path.write_bytes(codecs.png_encode(np.arange(np.prod(shape)).reshape(shape).astype(dtype)))
    backend = DiskBackend()
    loaded = backend.load(path)
    assert backend.header(path) == (loaded.shape, loaded.dtype)


def test_png_file_of_grey_and_opacity_is_refused_by_its_header_too(tmp_path):
    codecs = pytest.importorskip("imagecodecs", reason="needs the extra 'io'")
    path = tmp_path / "a.png"
    path.write_bytes(codecs.png_encode(np.zeros((6, 9, 2), np.uint8)))
    for look in (DiskBackend().load, DiskBackend().header):
        with pytest.raises(StorageError, match="not a plane"):
            look(path)


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".png"])
def test_file_that_ends_early_is_recognised_wherever_it_ends(tmp_path, suffix):
    whole, part = tmp_path / f"whole{suffix}", tmp_path / f"part{suffix}"
    backend = DiskBackend()
    backend.save(np.arange(400, dtype=np.uint16).reshape(20, 20), whole)
    content = whole.read_bytes()
    for length in range(0, len(content), 7):
        part.write_bytes(content[:length])
        with pytest.raises(StorageError, match="part"):
            backend.header(part)


def test_file_whose_directory_is_at_its_end_is_recognised_too(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((30, 30), np.uint16), compression="zlib", rowsperstrip=3)
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 5):
        path.write_bytes(content[:length])
        with pytest.raises(StorageError):
            DiskBackend().header(path)


REFUSED = {
    "no file": (None, "there is no image"),
    "no image": (b"hello, this is no image at all", "no TIFF file"),
    "another version": (b"II\x2c\x00" + bytes(30), "its version is 44"),
    "a directory without end": (b"II\x2a\x00\x08\x00\x00\x00\xff\xff" + bytes(30), "65535 entries"),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_image(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(StorageError, match=reason) as raised:
        DiskBackend().header(tmp_path / "a.tif")
    assert isinstance(raised.value, ImageNotFoundError) == (content is None)


def test_pages(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.ones((4, 6), np.uint16), photometric="minisblack")
        writer.write(np.ones((8, 9), np.uint8), photometric="minisblack")
    backend = PlateBackend()
    assert backend.header(f"{path}#page=0") == ((4, 6), np.uint16)
    assert backend.header(f"{path}#page=1") == ((8, 9), np.uint8)
    with pytest.raises(ImageNotFoundError, match="has no page 2"):
        backend.header(f"{path}#page=2")
    with pytest.raises(StorageError, match="several pages"):
        DiskBackend().header(path)


PLATES = ("imagexpress_projection_mix", "omezarr_hcs_v05", "opera_phenix_harmony", "cellvoyager_cv8000")


@pytest.mark.parametrize("name", PLATES)
def test_headers_of_real_plates(shared_data, name):
    if name.startswith("omezarr"):
        pytest.importorskip("zarr", reason="needs the extra 'zarr'")
    files = FileManager()
    images = open_plate(shared_data / name).images
    assert images
    for image in images[:: max(1, len(images) // 12)]:
        loaded = files.load(image.path, image.backend)
        assert files.header(image.path, image.backend) == (loaded.shape, loaded.dtype), image.path
