"""Draws the plate map in every size and state, to be looked at.

Each file is one dock, as large as it is in a window;
needs a screen (``xvfb-run`` makes one).
"""

import argparse
from pathlib import Path

import numpy as np
from napari.qt import get_qapp, get_stylesheet
from napari.utils.colormaps import ensure_colormap
from qtpy.QtWidgets import QApplication

from platecast.components import Components, PlaneId, PlateLayout, row_name
from platecast.layers import Loss, LossState
from platecast.viewer._controls._plate_map import Numbers, Place, PlateMap
from platecast.viewer._plate._model import PlateModel

PLATES = {96: (8, 12), 384: (16, 24), 1536: (32, 48)}
SIDE = 32
SITES = 4


def picture(rng: np.random.Generator, brightness: float) -> np.ndarray:
    """Return a few bright spots on dark ground."""
    rows, columns = np.indices((SIDE, SIDE))
    image = np.full((SIDE, SIDE), 100.0, np.float32)
    for row, column in rng.uniform(2, SIDE - 2, (9, 2)):
        image += brightness * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
    return image.astype(np.float32)


def fill(model: PlateModel, rows: int, columns: int, share: float) -> dict[str, float]:
    """Let a part of a plate arrive, one well fail and one stay missing; return a number for each well."""
    rng = np.random.default_rng(0)
    wells = [f"{row_name(row)}{column + 1:02d}" for row in range(rows) for column in range(columns)]
    model.announce(
        PlateLayout(plate="P1", well=tuple(wells), site=tuple(range(1, SITES + 1)), channel=("DAPI",))
    )
    counts = {}
    for number, well in enumerate(wells[: round(len(wells) * share)]):
        row, column = divmod(number, columns)
        brightness = 500 + 2500 * abs(np.sin(row / rows * 3) * np.cos(column / columns * 4))
        image = picture(rng, brightness)
        last = share < 1 and number > len(wells) * share - columns / 2
        for site in range(1, 2 if last else SITES + 1):
            plane = PlaneId(components=Components(plate="P1", well=well, site=site, channel="DAPI"))
            if number in (5, 77) and site == 2:
                model.lose(plane, Loss(LossState.FAILED, "shape (Y, X) is larger than 1 GiB"))
            elif number != 40:
                model.add(plane, float(image.mean()), image)
        counts[well] = brightness / 20
    return counts


def main(folder: Path) -> None:
    """Draw every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    get_qapp().setStyleSheet(get_stylesheet("dark"))
    colors = (ensure_colormap("viridis").map(np.linspace(0, 1, 64))[:, :3] * 255).astype(np.uint8)
    for count, (rows, columns) in PLATES.items():
        for name, share in (("live", 0.55), ("finished", 1.0)):
            model = PlateModel()
            counts = fill(model, rows, columns, share)
            here = {"well": "B03", "site": 1}
            place = Place(lambda _: (), tuple, lambda here=here: here, lambda _: None, lambda: "P1")
            numbers = Numbers(lambda: ("cell count",), lambda *_, counts=counts: counts)
            draw(PlateMap(model, place, colors, numbers), folder, f"{count}_{name}")
    empty = PlateMap(PlateModel(), Place(lambda _: (), tuple, dict, lambda _: None, lambda: None), colors)
    empty.resize(310, 320)
    empty.grab().save(str(folder / "empty.png"))


def draw(plate_map: PlateMap, folder: Path, name: str) -> None:
    """Save a map in each of its views, as wide as a dock and, once, as wide as a window of its own."""
    views = [plate_map.views.itemText(row) for row in range(plate_map.views.count())]
    plate_map.resize(310, 320)
    plate_map.show()
    for view in views:
        plate_map.views.setCurrentText(view)
        QApplication.processEvents()
        plate_map.grab().save(str(folder / f"{name}_{view.split()[0].lower()}.png"))
    plate_map.resize(900, 700)
    plate_map.views.setCurrentText(views[1])
    QApplication.processEvents()
    plate_map.grab().save(str(folder / f"{name}_large.png"))
    plate_map.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    main(parser.parse_args().folder)
