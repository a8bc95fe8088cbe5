"""How long `open_plate` takes for 384 wells, 9 sites and 8 channels: 27,648 files, which are empty.

Three plates: names alone (Opera Phenix and ImageXpress), and an Opera Phenix plate with Harmony's index of
version 5, the wordiest. The goal: at most 3 s each. Prints one JSON line.
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from platecast.storage import open_plate

REPEATS = 3
CHANNELS, SITES, ROWS, COLUMNS = 8, 9, 16, 24
_GUID = "13F8FCF3-E226-4345-BE10-{:012X}"
_PIXELS = """<ImageType>Signal</ImageType><AcquisitionType>NonConfocal</AcquisitionType>
<IlluminationType>Epifluorescence</IlluminationType><ChannelType>Fluorescence</ChannelType>
<ImageResolutionX Unit="m">5.98E-07</ImageResolutionX><ImageResolutionY Unit="m">5.98E-07</ImageResolutionY>
<ImageSizeX>1080</ImageSizeX><ImageSizeY>1080</ImageSizeY><BinningX>2</BinningX><BinningY>2</BinningY>
<MaxIntensity>65535</MaxIntensity><CameraType>AndorZylaCam</CameraType>
<MainExcitationWavelength Unit="nm">488</MainExcitationWavelength>
<MainEmissionWavelength Unit="nm">522</MainEmissionWavelength>
<ObjectiveMagnification Unit="">20</ObjectiveMagnification><ObjectiveNA Unit="">1</ObjectiveNA>
<ExposureTime Unit="s">0.01</ExposureTime><OrientationMatrix>[[1,0,0,0],[0,-1,0,0]]</OrientationMatrix>"""


def planes() -> Iterator[tuple[int, int, int, int]]:
    for row in range(1, ROWS + 1):
        for column in range(1, COLUMNS + 1):
            for site in range(1, SITES + 1):
                for channel in range(1, CHANNELS + 1):
                    yield row, column, site, channel


def phenix_name(row: int, column: int, site: int, channel: int) -> str:
    return f"r{row:02d}c{column:02d}f{site:02d}p01-ch{channel}sk1fk1fl1.tiff"


def imagexpress_name(row: int, column: int, site: int, channel: int) -> str:
    number = ((row * 100 + column) * 100 + site) * 100 + channel
    return f"Plate-1_{chr(64 + row)}{column:02d}_s{site}_w{channel}{_GUID.format(number)}.tif"


def harmony_index() -> str:
    images = (
        f'<Image Version="1"><id>{row:02d}{column:02d}K1F{site}P1R{channel}</id><State>Ok</State>'
        f"<URL>{phenix_name(row, column, site, channel)}</URL><Row>{row}</Row><Col>{column}</Col>"
        f"<FieldID>{site}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID>"
        f"<ChannelID>{channel}</ChannelID><FlimID>1</FlimID><ChannelName>Channel {channel}</ChannelName>"
        f'{_PIXELS}<PositionX Unit="m">{site * 6e-4}</PositionX><PositionY Unit="m">0</PositionY>'
        '<PositionZ Unit="m">-5E-06</PositionZ><AbsPositionZ Unit="m">0.1346</AbsPositionZ>'
        '<MeasurementTimeOffset Unit="s">0</MeasurementTimeOffset>'
        "<AbsTime>2021-03-29T16:55:28.987-04:00</AbsTime></Image>"
        for row, column, site, channel in planes()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<EvaluationInputData Version="1" xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5"><Plates><Plate>'
        "<PlateID>P1</PlateID><PlateRows>16</PlateRows><PlateColumns>24</PlateColumns></Plate></Plates>"
        f"<Images>{''.join(images)}</Images></EvaluationInputData>"
    )


def measure_s(folder: Path) -> float:
    best_s = float("inf")
    for _ in range(REPEATS):
        start_s = time.perf_counter()
        plate = open_plate(folder)
        best_s = min(best_s, time.perf_counter() - start_s)
        assert len(plate.images) == ROWS * COLUMNS * SITES * CHANNELS
        assert len(plate.wells) == ROWS * COLUMNS
        assert not plate.missing
    return best_s


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    logging.disable(logging.WARNING)  # the empty files are no TIFF files, which is said otherwise
    kinds: dict[str, tuple[Callable[[int, int, int, int], str], bool]] = {
        "phenix": (phenix_name, False),
        "imagexpress": (imagexpress_name, False),
        "phenix_index": (phenix_name, True),
    }
    seconds = {}
    for kind, (name_of, has_index) in kinds.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "plate")
            folder.mkdir()
            for plane in planes():
                (folder / name_of(*plane)).touch()
            if has_index:
                (folder / "Index.idx.xml").write_text(harmony_index())
            seconds[kind] = round(measure_s(folder), 2)
    print(
        json.dumps(
            {
                "benchmark": "open_plate",
                "files": ROWS * COLUMNS * SITES * CHANNELS,
                "seconds": seconds,
                "goal_s": 3,
            }
        )
    )


if __name__ == "__main__":
    main()
