"""Another reader's plugin opens the plates that we write, and shows the same pixels."""

import subprocess
import sys

import numpy as np
import pytest

from platecast.storage import ZarrBackend
from tests.ome_zarr import ome_metadata

pytest.importorskip("napari_ome_zarr", reason="napari-ome-zarr is not installed")

# In a process of its own: the plugin and what it imports warn of each other.
READ = """
import sys
import numpy as np
from napari_ome_zarr import napari_get_reader

path, out = sys.argv[1:]
((data, options, kind, *_), *others) = napari_get_reader(path)(path)
level = data[0] if isinstance(data, (list, tuple)) else data
np.savez(out, pixels=np.asarray(level), kind=kind, names=options.get("name", ""), layers=1 + len(others))
"""


def test_plate_opens_in_napari_ome_zarr(tmp_path):
    """It shows the first field of each well, side by side in the rows and columns that the plate declares."""
    plate = tmp_path / "P1.zarr"
    rng = np.random.default_rng(5)
    wells = {"A01": (0, 0), "A02": (0, 1), "B02": (1, 1)}
    planes = {
        (well, channel): rng.integers(1, 4000, (64, 48)).astype("uint16")
        for well in wells
        for channel in ("DAPI", "GFP")
    }
    backend = ZarrBackend()
    backend.save_batch(
        list(planes.values()),
        [plate / f"well-{well}_site-1_channel-{channel}.tif" for well, channel in planes],
    )
    backend.close()
    ran = subprocess.run(
        [sys.executable, "-c", READ, str(plate), str(tmp_path / "read.npz")],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    with np.load(tmp_path / "read.npz") as read:
        assert read["kind"] == "image"
        pixels = read["pixels"]
        names = read["names"].tolist()
    assert [name.rpartition(" ")[2] for name in names] == ["DAPI", "GFP"]
    pixels = pixels.reshape(-1, *pixels.shape[-2:])
    declared = ome_metadata(plate)["plate"]
    assert pixels.shape == (2, len(declared["rows"]) * 64, len(declared["columns"]) * 48)
    for number, channel in enumerate(("DAPI", "GFP")):
        for well, (row, column) in wells.items():
            shown = pixels[number, row * 64 : (row + 1) * 64, column * 48 : (column + 1) * 48]
            np.testing.assert_array_equal(shown, planes[well, channel])
        assert not pixels[number, 64:, :48].any(), "a well without images is empty"
