"""One task of a Slurm array: it works through its share of a plate's wells, and shows what it computes.

Submit it with ``slurm_array.sh``, which says where the viewer is; this machine has been paired with that one.
"""

import argparse
import os

import numpy as np
import numpy.typing as npt

import platecast as pc


def without_background(image: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    return image - np.minimum(image, np.uint16(np.percentile(image, 10)))


def main(folder: str, task: int, tasks: int) -> pc.Stream:
    plate = pc.open_plate(folder)
    by_well = plate.by_well()
    with pc.Stream(step=(1, "background_removed"), plate=plate.name) as stream:
        for well in plate.wells[task::tasks]:
            for image in by_well[well]:
                pixels = without_background(plate.read(image))
                stream.send_components(pixels, image.components)
    return stream


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("plate", help="folder with the plate's images")
    options = parser.parse_args()
    first, last = (int(os.environ[f"SLURM_ARRAY_TASK_{name}"]) for name in ("MIN", "MAX"))
    stream = main(options.plate, int(os.environ["SLURM_ARRAY_TASK_ID"]) - first, last - first + 1)
    print(stream.report())
