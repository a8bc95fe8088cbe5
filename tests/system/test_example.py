"""The example and the README's snippets run as they are written, and everything they send is shown."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tifffile", reason="needs the extra 'io'")
pytest.importorskip("napari", reason="needs the extra 'viewer'")
pytest.importorskip("skimage", reason="the snippets need scikit-image")

import tifffile

from platecast.components import Components, parse_name
from tests.receiving import sums_match
from tests.terminal import Terminal

ROOT = Path(__file__).parents[2]

EXAMPLE = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[3])
import design_api

print(design_api.main(Path(sys.argv[1]), port=int(sys.argv[2])).ok)
"""

DEFAULT_PORT = {
    "pc.send(image, ": "pc.send(image, port={port}, ",
    "port=5555, ": "port={port}, ",
    "NapariStreamingConfig(enabled=True)": "NapariStreamingConfig(enabled=True, napari_port={port})",
}
"""Where the README relies on the default port, or names it."""


def readme_snippets(port):
    """Return the README's two snippets as scripts, with another port."""
    text = (ROOT / "README.md").read_text()
    for words, replacement in DEFAULT_PORT.items():
        assert text.count(words) == 1, words
        text = text.replace(words, replacement.format(port=port))
    images, pipeline = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return images, "import platecast as pc\n\n" + pipeline


def test_example_and_readme(free_port, tmp_path):
    with Terminal() as terminal:
        done = terminal.python("-c", EXAMPLE, tmp_path, free_port, ROOT / "examples")
        assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
        window = terminal.window(free_port)
        single, blurred, saved, run = 1, 1, 2, 4 * 1 * 2 * 2 * 3
        check_all_shown(window, single + blurred + saved + run)
        names = [layer["name"] for layer in window.layers()]
        assert len(set(names)) == len(names)
        blurs = [name for name in names if "Step_02_gaussian_blur_Channel_DAPI" in name]
        assert len(blurs) == 1
        check_pixels(window, tmp_path)

        before = window.ledger().shown
        (tmp_path / "Demo-Plate").rename(tmp_path / "plate")
        for script, said in zip(
            readme_snippets(free_port), ("", "32 planes shown, 0 failures\n"), strict=True
        ):
            (tmp_path / "readme.py").write_text(script)
            done = terminal.python("readme.py", folder=tmp_path)
            assert (done.returncode, done.stdout) == (0, said), done.stderr
        check_all_shown(window, before + 2 + 32)


def check_all_shown(window, count):
    """Check that every plane that was sent is in a layer."""
    ledger = window.ledger()
    assert sums_match(ledger)
    assert (ledger.sent, ledger.shown) == (count, count)


def check_pixels(window, folder):
    """Check planes that were sent by themselves and by a backend, and every result of the pipeline."""
    layers = window.layers()
    image = tifffile.imread(sorted(folder.rglob("*.TIF"))[0])
    (sent,) = [layer for layer in layers if layer["step"] is None]
    assert sent["planes"] == 3
    for site, expected in ((1, image), (2, image), (3, np.flipud(image))):
        plane = window.read(sent["name"], Components(well="A01", site=site, channel="DAPI"))
        assert np.array_equal(plane, expected)
    for step, kind in (("Step_01_gaussian_blur", "image"), ("Step_02_segment", "labels")):
        files = list((folder / "out" / step).iterdir())
        assert len(files) == 16
        for file in files:
            components = parse_name(file.name)
            (layer,) = [
                layer
                for layer in layers
                if layer["step"] == [int(step[5:7]), step[8:]]
                and layer["sliced"]["channel"] == components.channel
            ]
            assert layer["kind"] == kind
            assert np.array_equal(window.read(layer["name"], components), tifffile.imread(file))
