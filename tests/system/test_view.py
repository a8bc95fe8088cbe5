"""A plate that is damaged, and then taken away, while it is looked at in a real window."""

import numpy as np
import pytest

from tests.terminal import terminal_with_window
from tests.waiting import wait_until

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")
pytest.importorskip("napari", reason="needs the extra 'viewer'")


def test_damaged_and_vanished_images_fail_with_their_reasons(free_port, tmp_path):
    folder = tmp_path / "plate"
    folder.mkdir()
    for number, well in enumerate(("A01", "A02", "A03", "A04", "A05"), start=1):
        path = folder / f"P1_{well}_s1_w1.TIF"
        tifffile.imwrite(path, np.full((60, 80), number, "uint16"), photometric="minisblack")
    (folder / "P1_A02_s1_w1.TIF").write_bytes(b"II*\0")
    with terminal_with_window(free_port) as (terminal, window):
        done = terminal.platecast("view", folder, "--port", free_port)
        assert (done.returncode, done.stdout) == (
            1,
            f"4 of 5 images are shown in the viewer on port {free_port}\n",
        )
        assert "P1_A02_s1_w1.TIF could not be read: it ends after 4 bytes" in done.stderr.replace("\n", " ")
        (layer,) = window.layers()
        assert (layer["planes"], layer["shape"][0]) == (4, 5)

        folder.rename(tmp_path / "elsewhere")
        # Its neighbours may have been read ahead already, this one has not.
        window.ask("goto", well="A05")
        wait_until(lambda: window.ledger().failed == 2, "the window has noticed")
        ledger = window.ledger()
        assert (ledger.sent, ledger.shown, ledger.failed, ledger.dropped) == (5, 3, 2, 0)
        assert any("there is no image" in reason for reason in ledger.failure_reasons)
        assert window.ask("ping")[0]["state"] == "ready"
