"""How many file names a second `parse_name` reads: names of the instruments, in turn, each name new."""

import json
import time
from collections.abc import Iterator

from platecast.components import parse_name

_GUID = "13F8FCF3-E226-4345-BE10-362D8595{:04X}"


def names(count: int) -> Iterator[str]:
    for index in range(count):
        row, column = divmod(index % 384, 24)
        well, site, timepoint = f"{chr(ord('A') + row)}{column + 1:02d}", index % 9 + 1, index // 3456 + 1
        forms = (
            f"Plate-1/2023-02-21/1334/TimePoint_{timepoint}/ZStep_2/Plate-1_{well}_s{site}_w1"
            f"{_GUID.format(index % 65536)}.tif",
            f"Plate_A01_t{timepoint}_{well}_s{site}_w0_z3.tif",
            f"BR7__2021-05-02T16_02_51-Measurement1/Images/r{row + 1:02d}c{column + 1:02d}f{site:02d}p01"
            f"-ch2sk{timepoint}fk1fl1.tiff",
            f"AssayPlate_Greiner_#655090_{well}_T{timepoint:04d}F{site:03d}L01A01Z01C02.tif",
            f"{well}_01_1_{site}_DAPI_{timepoint:03d}.tif",
            f"plate-7_well-{well}_site-{site}_channel-DAPI_t-{timepoint}.tif",
        )
        yield forms[index % len(forms)]


def main() -> None:
    batch = list(names(60_000))
    best_s = float("inf")
    for _ in range(3):
        start_s = time.perf_counter()
        for name in batch:
            parse_name(name)
        best_s = min(best_s, time.perf_counter() - start_s)
    print(json.dumps({"names": len(batch), "names_per_s": round(len(batch) / best_s)}))


if __name__ == "__main__":
    main()
