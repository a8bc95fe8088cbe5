"""Where the results of a run rest: folders of TIFF files, plates of an OME-Zarr store, tables as CSV."""

import importlib.util
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import numpy.typing as npt

from platecast.components import COMPONENT_NAMES, Components, Kind, PlateLayout, StepId, format_name
from platecast.errors import StorageError
from platecast.pipeline._steps import Pipeline, folder_name, over_names
from platecast.pipeline._tables import format_rows, join_csv
from platecast.records import Columns
from platecast.storage import FileManager, PlateImage, ZarrBackend

_STORE_SUFFIX = ".zarr"
_STORE_LIBRARIES = ("zarr", "yaozarrs")


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """One result that rests somewhere."""

    ref: str
    """The name by which later steps take it."""
    kind: Kind
    components: Components
    address: str
    """``backend:path``, or ``csv:path`` for the well's table in which it is."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Where a result belongs in an OME-Zarr store.

    Parameters
    ----------
    step
        The step that made it.
    kind
        What it means.
    image_step
        The step that made the image it is the labels of, where that rests in the same store.
    """

    step: StepId
    kind: Kind
    image_step: StepId | None = None


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

    def save(self, plane: npt.NDArray[Any], components: Components, layer: Layer, backend: str | None) -> str:
        """Write a plane and return its address.

        Parameters
        ----------
        plane
            ``(Y, X)`` or ``(Y, X, 3 | 4)``.
        components
            What it is.
        layer
            Where it belongs.
        backend
            ``"disk"`` or ``"zarr"``; `None`: as the output's name says.
        """
        name = format_name(components)
        chosen = backend_of(self._output, backend)
        if chosen == "disk":
            path = str(files_folder(self._output) / folder_name(layer.step) / name)
            self._files.save(plane, path, "disk")
            return f"disk:{path}"
        if layer.kind is Kind.LABELS and layer.image_step is not None:
            folder = (
                self._plate_folder(layer.image_step, components.plate) / "labels" / folder_name(layer.step)
            )
        else:
            folder = self._plate_folder(layer.step, components.plate)
            self._declare(folder, layer.step, components)
        path = str(folder / name)
        self._files.save_batch([plane], [path], "zarr", kind=layer.kind)
        return f"zarr:{path}"

    def save_table(self, step: StepId, well: str, members: Sequence[tuple[Components, Columns]]) -> str:
        """Write what a step made of one well into one CSV file, and return its address."""
        path = table_folder(self._output, step) / f"{quote(well, safe=' ')}.csv"
        write_text(path, format_rows(members))
        return f"csv:{path}"

    def _plate_folder(self, step: StepId, plate: str | None) -> Path:
        store = (
            self._output if is_store(self._output) else self._output / f"{folder_name(step)}{_STORE_SUFFIX}"
        )
        folder = store / folder_name(step) if is_store(self._output) else store
        return folder if len(self._layouts) < 2 else folder / f"plate-{quote(plate or '', safe='')}"

    def _declare(self, folder: Path, step: StepId, plane: Components) -> None:
        """Say what a step's plate will hold, before its first result: some steps are not for every plane."""
        if folder in self._declared:
            return
        layout = self._layouts.get(plane.plate, PlateLayout(plate=plane.plate))
        for each in self._steps[: step.index]:
            values: dict[str, tuple[object, ...]] = {
                name: tuple(value for value in getattr(layout, name) if value in each.only[name])
                for name in COMPONENT_NAMES[1:]
                if name in each.only
            }
            # A projection has no such axis.
            values |= {name: () for name in over_names(each.over) if getattr(plane, name) is None}
            layout = msgspec.structs.replace(layout, images=(), **values)
        backend = self._files.backend("zarr")
        assert isinstance(backend, ZarrBackend)  # noqa: S101 -- for the type checker
        backend.declare(folder, layout)
        self._declared.add(folder)


def is_store(output: Path) -> bool:
    """Return whether results go into an OME-Zarr store."""
    return output.suffix.lower() == _STORE_SUFFIX


def backend_of(output: Path, chosen: str | None) -> str:
    """Return the backend that writes a step's planes."""
    return chosen or ("zarr" if is_store(output) else "disk")


def files_folder(output: Path) -> Path:
    """Return the folder for everything that is no OME-Zarr: the output, or ``out.files`` beside a store.

    A store holds nothing but what its format knows; other programs would complain.
    """
    return output.with_suffix(".files") if is_store(output) else output


def table_folder(output: Path, step: StepId) -> Path:
    """Return the folder with one CSV file for each well."""
    return files_folder(output) / folder_name(step)


def join_tables(output: Path, step: StepId, parts: Sequence[str]) -> Path:
    """Write the wells' tables of a step into one, ``Step_03_measure.csv``, and return its path."""
    path = files_folder(output) / f"{folder_name(step)}.csv"
    write_text(path, join_csv([Path(part).read_text(encoding="utf-8") for part in parts]))
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that readers see the old or the new one whole.

    Raises
    ------
    StorageError
        It could not be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{path} could not be written: {error}") from error


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
