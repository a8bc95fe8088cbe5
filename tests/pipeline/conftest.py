"""A small plate on disk, and step functions that worker processes can import."""

import sys

import numpy as np
import pytest
import tifffile

STEPS = """
import os, signal
import numpy as np

def add(image, amount=1):
    return image + np.uint16(amount)

def double(image):
    return image * np.uint16(2)

def halves(image):
    return (image > image.mean()).astype("int32")

def fail_on_value(image, value):
    if image[0, 0] == value:
        raise RuntimeError(f"value {value} is not for me")
    return image

def exit_on_value(image, value):
    if image[0, 0] == value:
        raise SystemExit(3)
    return image

def die_on_value(image, value):
    if image[0, 0] == value:
        os.kill(os.getpid(), signal.SIGKILL)
    return image
"""


@pytest.fixture
def steps(tmp_path_factory, monkeypatch):
    """Return a module of functions; worker processes inherit the path that leads to it."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "plate_steps.py").write_text(STEPS)
    monkeypatch.syspath_prepend(folder)
    import plate_steps

    yield plate_steps
    del sys.modules["plate_steps"]


@pytest.fixture
def plate(tmp_path):
    """Write wells A01 and B02, two sites, two channels; each image has one value of its own."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for value, (well, site, channel) in enumerate(
        (well, site, channel) for well in ("A01", "B02") for site in (1, 2) for channel in (1, 2)
    ):
        image = np.full((6, 8), value, "uint16")
        tifffile.imwrite(folder / f"P1_{well}_s{site}_w{channel}.TIF", image, photometric="minisblack")
    return folder
