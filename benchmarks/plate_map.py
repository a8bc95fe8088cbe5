"""How long the plate map takes with 1536 wells: to open, and to follow while planes come in.

Prints one JSON line; needs a screen (``xvfb-run``). The goals: open within 1 s, an update within 200 ms.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from napari.qt import get_qapp

from platecast.components import Components, PlaneId, PlateLayout, row_name
from platecast.viewer._controls._plate_map import Numbers, Place, PlateMap
from platecast.viewer._plate._model import PlateModel

ROWS, COLUMNS, SITES, CHANNELS = 32, 48, 4, ("DAPI", "GFP")
UPDATES = 20
SIDE = 32


def timed_ms(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - began)


def planes(wells: list[str]) -> list[PlaneId]:
    """Return every plane of a plate."""
    return [
        PlaneId(components=Components(well=well, site=site, channel=channel))
        for well in wells
        for site in range(SITES)
        for channel in CHANNELS
    ]


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    get_qapp()
    rng = np.random.default_rng(0)
    wells = [f"{row_name(row)}{column + 1:02d}" for row in range(ROWS) for column in range(COLUMNS)]
    every = planes(wells)
    pictures = rng.random((len(wells), SIDE, SIDE)).astype(np.float32)
    model = PlateModel()
    model.announce(PlateLayout(well=tuple(wells), site=tuple(range(SITES)), channel=CHANNELS))
    for number, plane in enumerate(every):
        model.add(plane, float(number % 999), pictures[number // (SITES * len(CHANNELS))])
    counts = {well: float(number) for number, well in enumerate(wells)}
    numbers = Numbers(lambda: ("cell count",), lambda *_: counts)
    colors = np.stack([np.arange(64)] * 3, axis=1).astype(np.uint8)
    opened: list[PlateMap] = []

    def open_map() -> None:
        place = Place(lambda _: wells, tuple, lambda: {"well": "A01"}, lambda _: None, lambda: None)
        plate_map = PlateMap(model, place, colors, numbers)
        plate_map.resize(310, 320)
        plate_map.show()
        plate_map.grid.repaint()
        opened.append(plate_map)

    result: dict[str, object] = {"benchmark": "plate_map", "wells": len(wells), "planes": len(every)}
    result["open_ms"] = round(timed_ms(open_map), 1)
    (plate_map,) = opened
    for place in range(plate_map.views.count()):
        view = plate_map.views.itemText(place)
        plate_map.views.setCurrentIndex(place)

        def update(plate_map: PlateMap = plate_map) -> None:
            plate_map.redraw()
            plate_map.grid.repaint()

        took = []
        for number in range(UPDATES):
            for plane in every[number::97]:
                model.add(plane, float(number))
            took.append(timed_ms(update))
        name = view.replace(" ", "_").lower()
        result[f"update_{name}_ms"] = {
            "p50": round(statistics.median(took), 1),
            "max": round(max(took), 1),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
