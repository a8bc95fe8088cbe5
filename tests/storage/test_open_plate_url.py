"""Plates at URLs open like those in folders: from memory, from a web server, from a file's URL."""

import contextlib
import functools
import http.server
import logging
import sys
import threading
import uuid

import numpy as np
import pytest
import tifffile

pytest.importorskip("fsspec", reason="the extra remote-storage is not installed")
pytest.importorskip("zarr", reason="the extra zarr is not installed")

import fsspec

from platecast.components import Components
from platecast.errors import ImageNotFoundError, StorageError
from platecast.storage import FileManager, ZarrBackend, is_plate, open_plate
from tests.storage.plates import DATA, write_plate


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served_by_http(folder):
    """Serve a folder on a free port of this machine."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def copied_to_memory(folder):
    """Copy a folder into fsspec's memory."""
    root = f"/{uuid.uuid4()}"
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), root, recursive=True)
    yield f"memory:/{root}"
    memory.rm(root, recursive=True)


@contextlib.contextmanager
def named_by_url(folder):
    yield folder.as_uri()


SERVERS = {"http": served_by_http, "memory": copied_to_memory, "file": named_by_url}


@pytest.fixture(params=SERVERS)
def serve(request):
    with contextlib.ExitStack() as stack:
        yield lambda folder: stack.enter_context(SERVERS[request.param](folder))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, serve, version):
    write_plate(tmp_path / "P1.ome.zarr", version)
    url = f"{serve(tmp_path)}/P1.ome.zarr"
    local, plate = open_plate(tmp_path / "P1.ome.zarr"), open_plate(f"{url}/")
    assert is_plate(url)
    assert (plate.name, plate.wells, plate.channels) == ("P1", ("B03", "B04"), ("DAPI", "GFP"))
    assert (plate.metadata, plate.problems, plate.missing) == (local.metadata, (), ())
    assert [image.components for image in plate.images] == [image.components for image in local.images]
    with FileManager() as files:
        for image in (plate.images[0], plate.images[-1]):
            backend, _, address = image.address.partition(":")
            assert files.exists(address, backend)
            expected = DATA[0, plate.channels.index(image.components.channel), image.components.z_index]
            np.testing.assert_array_equal(files.load(address, backend), expected + image.components.site)


def test_damaged_field_is_told_and_the_rest_opens(tmp_path, serve):
    write_plate(tmp_path / "P1.zarr")
    (tmp_path / "P1.zarr" / "B" / "03" / "1" / "zarr.json").write_text("{")
    (tmp_path / "P1.zarr" / "B" / "4" / "0" / "0" / "zarr.json").unlink()
    plate = open_plate(f"{serve(tmp_path)}/P1.zarr")
    assert len(plate.images) == 2 * 2 * 3
    assert len(plate.problems) == 2


def test_folder_of_tiff_files(tmp_path, serve):
    names = ["P 1_A01_s1_w1.TIF", "P 1_A01_s2_w1.TIF", "TimePoint_2/P 1_B02_s1_w1.TIF"]
    for value, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / name, np.full((4, 6), value, "uint16"), photometric="minisblack")
    (tmp_path / "P 1.HTD").write_text('"HTSInfoFile", Version 1.0\n"XWells", 12\n"YWells", 8\n')
    url = serve(tmp_path)
    assert is_plate(url)
    plate = open_plate(url)
    assert [image.components for image in plate.images] == [
        Components(plate="P 1", well="A01", site=1, channel=1),
        Components(plate="P 1", well="A01", site=2, channel=1),
        Components(plate="P 1", well="B02", site=1, channel=1, timepoint=2),
    ]
    assert (plate.metadata.rows, plate.metadata.columns, plate.problems) == (8, 12, ())
    assert [plate.read(image).max() for image in plate.images] == [0, 1, 2]


def test_what_is_not_there(tmp_path, serve):
    url = serve(tmp_path)
    assert not is_plate(f"{url}/absent.zarr")
    with pytest.raises(StorageError, match=r"absent\.zarr"):
        open_plate(f"{url}/absent.zarr")
    write_plate(tmp_path / "P1.zarr", wells=("B/03",), fields=("0",))


def test_array_that_went_away(tmp_path):
    write_plate(tmp_path / "P1.zarr", wells=("B/03",), fields=("0",))
    with copied_to_memory(tmp_path / "P1.zarr") as url:
        plate = open_plate(url)
    with pytest.raises(ImageNotFoundError, match="there is no array memory://"):
        plate.read(plate.images[0])


def test_nobody_answers(caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        open_plate("http://127.0.0.1:9/P1.zarr")


def test_unknown_protocol():
    with pytest.raises(StorageError, match="could not be reached"):
        open_plate("nonsense://P1.zarr")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(StorageError, match=r"needs fsspec: pip install 'platecast\[remote-storage\]'"):
        open_plate("http://host/P1.zarr")


def test_plate_of_ours(tmp_path):
    store = tmp_path / "out.zarr"
    with FileManager(ZarrBackend()) as files:
        files.save(np.full((3, 4), 7, "uint16"), store / "well-A01_site-3_channel-DAPI.tif", "zarr")
    with copied_to_memory(store) as url:
        plate = open_plate(url)
        (image,) = plate.images
        assert (image.components.well, image.components.channel) == ("A01", "DAPI")
        assert plate.read(image).max() == 7
        assert "never written" in plate.notes[0]
