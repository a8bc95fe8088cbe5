"""A pipeline on the workers of a Dask cluster, each of which sends its images to the desk by itself.

Run it where the scheduler can be reached; the workers have been paired with the viewer (a home folder that
all share will do, or PLATECAST_PAIRING in their environment)::

    PLATECAST_NAPARI_HOST=192.168.1.20 python examples/dask_cluster.py tcp://scheduler:8786 PLATE OUTPUT.zarr
"""

import sys

import numpy as np
import numpy.typing as npt
from distributed import Client

import platecast as pc


def without_background(image: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    return image - np.minimum(image, np.uint16(np.percentile(image, 10)))


def bright(image: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    return np.asarray(image > 3 * image.mean())


def main(scheduler: str, plate: str, output: str) -> pc.RunReport:
    # Where the viewer is comes from PLATECAST_NAPARI_HOST here, and travels to the workers with the pipeline.
    config = pc.PipelineConfig(napari_streaming=pc.NapariStreamingConfig(enabled=True))
    pipeline = pc.Pipeline([without_background, bright], config)
    with Client(scheduler, set_as_default=False) as client:
        return pc.run(pipeline, plate, output, executor=client)


if __name__ == "__main__":
    report = main(*sys.argv[1:])
    print(f"{report.planes_shown} of {report.planes_sent} images shown")
    sys.exit(0 if report.ok else 1)
