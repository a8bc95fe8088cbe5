"""Whatever a plane is called and whatever it holds, every backend returns what it was given."""

import shutil
import tempfile
from pathlib import Path

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from platecast.arrays import PLANE_DTYPES
from platecast.components import Components, format_name, parse_name
from platecast.storage import DiskBackend, MemoryBackend, ZarrBackend
from tests.ome_zarr import check_plate

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NUMBERS = st.none() | st.integers(0, 5) | st.integers(0, 10**6)
COMPONENTS = st.builds(
    Components,
    plate=st.none() | TEXT,
    well=st.builds("{}{}".format, st.sampled_from(["A", "H", "AF", "AZ"]), st.integers(1, 72)),
    site=NUMBERS,
    channel=NUMBERS | TEXT,
    z_index=NUMBERS,
    timepoint=NUMBERS,
)
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9)) | st.tuples(
    st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4])
)
BACKENDS = {
    "memory": (MemoryBackend, ".tif", PLANE_DTYPES),
    "TIFF": (DiskBackend, ".tif", PLANE_DTYPES),
    "OME-TIFF": (DiskBackend, ".ome.tif", PLANE_DTYPES),
    "NumPy": (DiskBackend, ".npy", PLANE_DTYPES),
    "PNG": (DiskBackend, ".png", ("uint8", "uint16")),
    "OME-Zarr": (ZarrBackend, ".tif", PLANE_DTYPES),
}


@pytest.fixture
def quickly():
    """Return settings for a test that touches the disk."""
    return settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@pytest.mark.parametrize(("make", "suffix", "dtypes"), BACKENDS.values(), ids=BACKENDS)
def test_plane_and_name_survive(make, suffix, dtypes, quickly):
    planes = npst.arrays(st.sampled_from(dtypes), SHAPES)

    @quickly
    @given(st.lists(st.tuples(COMPONENTS, planes), min_size=1, max_size=4, unique_by=lambda each: each[0]))
    def survive(members):
        # One folder of a store holds one plate.
        plate = members[0][0].plate
        named = {
            format_name(msgspec.structs.replace(components, plate=plate), suffix): plane
            for components, plane in members
            if len(format_name(components, suffix)) < 200  # longer ones are no file names
        }
        folder = Path(tempfile.mkdtemp(suffix=".zarr"))
        backend = make()
        try:
            backend.save_batch(list(named.values()), [folder / name for name in named])
            assert set(backend.list(folder)) == {str(folder / name) for name in named}
            for name, plane in named.items():
                loaded = backend.load(folder / name)
                assert loaded.dtype == plane.dtype
                np.testing.assert_array_equal(loaded, plane)
                assert format_name(parse_name(name), suffix) == name
            if make is ZarrBackend and named:
                check_plate(folder)
        finally:
            backend.close()
            shutil.rmtree(folder)

    survive()
