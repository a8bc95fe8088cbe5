"""Where the results of a run rest: a folder of TIFF files, or the plates of an OME-Zarr store."""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import numpy.typing as npt

from platecast.components import COMPONENT_NAMES, Components, Kind, PlateLayout, StepId, format_name
from platecast.pipeline._steps import Pipeline, folder_name
from platecast.storage import FileManager, PlateImage, ZarrBackend

_STORE_SUFFIX = ".zarr"
_STORE_LIBRARIES = ("zarr", "yaozarrs")


class ResultStore:
    """Writes results; one for each worker of a run.

    In a store each step has a plate of its own, but labels of an image that the run has made belong to that
    image. Where several plates are run at once, each has a folder of its own.

    Parameters
    ----------
    output
        A folder; an OME-Zarr store where its name ends in ``.zarr``.
    pipeline
        The steps.
    layouts
        What each plate holds.
    files
        Writes them.
    """

    def __init__(
        self, output: Path, pipeline: Pipeline, layouts: Sequence[PlateLayout], files: FileManager
    ) -> None:
        self._output = output
        self._steps = pipeline.steps
        self._layouts = {layout.plate: layout for layout in layouts}
        self._files = files
        self._declared: set[Path] = set()

    def save(
        self,
        plane: npt.NDArray[Any],
        components: Components,
        step: StepId,
        kind: Kind,
        image_step: StepId | None,
    ) -> str:
        """Write a result and return its address.

        Parameters
        ----------
        plane
            ``(Y, X)`` or ``(Y, X, 3 | 4)``.
        components
            What it is.
        step
            The step that made it.
        kind
            Image or labels.
        image_step
            The step that made the image it was made from; `None` for the raw image.
        """
        name = format_name(components)
        if not is_store(self._output):
            path = str(self._output / folder_name(step) / name)
            self._files.save(plane, path, "disk")
            return f"disk:{path}"
        if kind is Kind.LABELS and image_step is not None:
            folder = self._plate_folder(image_step, components.plate) / "labels" / folder_name(step)
        else:
            folder = self._plate_folder(step, components.plate)
            self._declare(folder, step, components.plate)
        path = str(folder / name)
        self._files.save_batch([plane], [path], "zarr", kind=kind)
        return f"zarr:{path}"

    def _plate_folder(self, step: StepId, plate: str | None) -> Path:
        folder = self._output / folder_name(step)
        return folder if len(self._layouts) < 2 else folder / f"plate-{quote(plate or '', safe='')}"

    def _declare(self, folder: Path, step: StepId, plate: str | None) -> None:
        """Say what a step's plate will hold, before its first result: some steps are not for every plane."""
        if folder in self._declared:
            return
        layout = self._layouts.get(plate, PlateLayout(plate=plate))
        for each in self._steps[: step.index]:
            values = {
                name: tuple(value for value in getattr(layout, name) if value in each.only[name])
                for name in COMPONENT_NAMES[1:]
                if name in each.only
            }
            layout = msgspec.structs.replace(layout, **values)
        backend = self._files.backend("zarr")
        assert isinstance(backend, ZarrBackend)  # noqa: S101 -- for the type checker
        backend.declare(folder, layout)
        self._declared.add(folder)


def is_store(output: Path) -> bool:
    """Return whether results go into an OME-Zarr store."""
    return output.suffix.lower() == _STORE_SUFFIX


def store_problems(output: Path, images: Sequence[PlateImage]) -> Iterator[str]:
    """Yield why results cannot go into an OME-Zarr store."""
    missing = [name for name in _STORE_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        yield (
            f"OME-Zarr output ({output.name}) needs {' and '.join(missing)}: pip install 'platecast[zarr]',"
            " or give a folder, and results are TIFF files"
        )
    homeless = [image.path for image in images if image.components.well is None]
    if homeless:
        yield (
            f"{len(homeless)} images name no well, and an OME-Zarr plate has nothing outside its wells,"
            f" such as {homeless[0]}: give a folder, and results are TIFF files"
        )
