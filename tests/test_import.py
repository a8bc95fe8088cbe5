"""`import platecast` is cheap, and every public name is there."""

import subprocess
import sys

import pytest

import platecast

HEAVY = {"PyQt6", "napari", "qtpy", "zarr"}


@pytest.mark.parametrize(
    "statement",
    ["import platecast", "from platecast import Stream, send", "from platecast import FileManager"],
)
def test_importing_brings_in_neither_window_nor_store(statement):
    code = f"{statement}\nimport sys\nprint(*{HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


@pytest.mark.parametrize("name", platecast.__all__)
def test_public_name_is_there(name):
    assert getattr(platecast, name) is not None


def test_public_names_are_sorted_and_listed():
    assert platecast.__all__ == sorted(platecast.__all__)
    assert dir(platecast) == platecast.__all__


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        platecast.no_such_name  # noqa: B018
