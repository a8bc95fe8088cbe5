"""`platecast watch` follows a folder until it is told to end, or nothing comes any more."""

import numpy as np
import pytest

from platecast.stream._links import links
from tests.receiving import viewer_on

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")


@pytest.fixture
def viewer(free_port):
    with viewer_on(free_port) as viewer:
        yield viewer
        links.close_all()


def said(text):
    return " ".join(text.split())


def test_images_are_shown_and_counted(platecast, viewer, tmp_path):
    for well in ("A01", "A02"):
        tifffile.imwrite(tmp_path / f"P1_{well}_s1_w1.TIF", np.ones((8, 9), "uint16"))
    tifffile.imwrite(tmp_path / "focus.tif", np.ones((8, 9), "uint16"))
    done = platecast("watch", tmp_path, "--port", viewer.port, "--poll", "--idle-s", "0.3")
    assert done.status == 0
    assert said(done.out).startswith(f"2 images of {tmp_path} are shown in the viewer on port {viewer.port}")
    assert "1 of no kind we know" in said(done.out)
    assert [arrival.plane.components.well for arrival in viewer.planes] == ["A01", "A02"]

    again = platecast("watch", tmp_path, "--port", viewer.port, "--poll", "--idle-s", "0.3")
    assert again.status == 0
    assert len(viewer.planes) == 2, "it goes on where it was"


REFUSED = {
    "nothing around it": ("no/such/folder", "there is neither"),
    "a file": ("file", "is a file: watch follows the folder that a plate is written into"),
}


@pytest.mark.parametrize(("path", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_followed(platecast, viewer, tmp_path, path, reason):
    (tmp_path / "file").touch()
    done = platecast("watch", tmp_path / path, "--port", viewer.port)
    assert done.status == 1
    assert reason in said(done.errors)
