"""The public interface in one script: show single images, save through a backend, run a pipeline.

Run it with ``python examples/design_api.py FOLDER``; a napari window opens and stays.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

import platecast as pc
from platecast.demo import make_plate


def gaussian(image: npt.NDArray[np.uint16], sigma: float) -> npt.NDArray[np.uint16]:
    return np.asarray(ndimage.gaussian_filter(image, sigma))


def segment(image: npt.NDArray[np.uint16]) -> npt.NDArray[np.int32]:
    # Results of int32 are taken for labels.
    labels, _ = ndimage.label(image > image.mean() + image.std())
    return np.asarray(labels, np.int32)


def main(folder: Path, port: int = 5555, workers: int = 2) -> pc.RunReport:
    plate = make_plate(folder, wells=4, sites=1, channels=2, z=2, size=256)
    first = sorted(plate.rglob("*.TIF"))[0]

    filemanager = pc.FileManager()
    visualizer = pc.NapariStreamVisualizer(
        filemanager,
        pc.NapariStreamingConfig(colormap=pc.NapariColormap.GRAY),
        viewer_title="Pipeline Visualization",
        persistent=True,
        napari_port=port,
        replace_layers=False,
    )
    visualizer.start_viewer(async_mode=True)

    image = filemanager.load(first, "disk")
    pc.send(image, port=port, well="A01", site=1, channel="DAPI")

    with pc.Stream(port=port, step=(2, "gaussian_blur")) as stream:
        stream.send(gaussian(image, sigma=2), well="A01", channel="DAPI", z_index=3)

    paths = [f"well-A01_site-{site}_channel-DAPI.tif" for site in (2, 3)]
    images = [image, np.flipud(image)]
    filemanager.save_batch(data=images, paths=[folder / path for path in paths], backend="disk")
    filemanager.save_batch(data=images, paths=paths, backend="napari_stream", config=visualizer.config)

    config = pc.PipelineConfig(
        napari_streaming=pc.NapariStreamingConfig(enabled=True, persistent=True, napari_port=port)
    )
    pipeline = pc.Pipeline(
        [pc.Step(gaussian, name="gaussian_blur", sigma=2), pc.Step(segment)], config=config
    )
    return pc.run(pipeline, plate=plate, output=folder / "out", workers=workers)


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
