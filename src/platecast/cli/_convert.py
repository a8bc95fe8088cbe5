"""`platecast convert`: the raw images of a plate, copied into one OME-Zarr plate."""

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from platecast.cli._console import errors, out, print_error
from platecast.cli._filters import (
    ChannelOption,
    Filters,
    SiteOption,
    TimepointOption,
    WellOption,
    ZIndexOption,
)
from platecast.components import PlateLayout, format_name
from platecast.errors import StorageError
from platecast.storage import Plate, PlateImage, ZarrBackend, open_plate

_MOST_THREADS = 4
"""Reading, compressing and writing go on beside each other; more threads wait for the interpreter."""


def convert(
    plate: Annotated[str, typer.Argument(help="Folder of a plate's images, or a file that describes it.")],
    output: Annotated[Path, typer.Argument(help="The OME-Zarr plate to make, such as plate.zarr.")],
    well: WellOption = None,
    channel: ChannelOption = None,
    site: SiteOption = None,
    z_index: ZIndexOption = None,
    timepoint: TimepointOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Images that are copied at a time.")] = min(
        _MOST_THREADS, os.cpu_count() or 1
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove an OME-Zarr store that is there already.")
    ] = False,
) -> None:
    """Copy the raw images of a plate into one OME-Zarr plate, which many programs open.

    A conversion that was stopped, or in which images could not be read, goes on where it was when it is asked
    for again.
    """
    filters = Filters.of(well=well, channel=channel, site=site, z_index=z_index, timepoint=timepoint)
    opened = open_plate(plate)
    images = filters.choose(opened)
    layout = _check(opened, images, output)
    begun = _Begun(opened.path, output)
    begun.check(overwrite)
    backend = ZarrBackend()
    colours = {info.channel: info.color.lstrip("#") for info in opened.metadata.channels if info.color}
    with begun.going_on(overwrite):
        backend.declare(output, layout, channel_names=opened.channel_names, channel_colours=colours)

        def copy(image: PlateImage) -> StorageError | None:
            target = output / format_name(image.components)
            try:
                if not begun.resumes or not backend.exists(target):
                    backend.save(opened.read(image), target)
            except StorageError as error:
                return error
            return None

        failures = [error for error in _work(copy, images, workers) if error is not None]
        for failure in failures:
            print_error(failure)
        out.print(f"{len(images) - len(failures)} of {len(images)} images are in {output}", highlight=False)
        if failures:
            raise typer.Exit(1)


class _Begun:
    """The note of a conversion that goes on, which lies beside the store until every image is there.

    Parameters
    ----------
    source
        The plate that is converted.
    output
        The store.
    """

    def __init__(self, source: str, output: Path) -> None:
        self._source = source if "://" in source else os.path.realpath(source)
        self._output = output
        self._note = output.absolute().with_name(f".{output.name}.converting")
        self.resumes = False
        """Whether images may be there already."""

    def check(self, overwrite: bool) -> None:
        """Make sure that nothing is lost but what may be.

        Raises
        ------
        StorageError
            The store is there, and this conversion did not begin it.
        """
        target = os.path.realpath(self._output)
        if os.path.commonpath([target, self._source if "://" not in self._source else "/"]) == target:
            raise StorageError(f"{self._output} holds the images to convert: choose another name")
        if not self._output.exists():
            return
        if overwrite:
            if any(self._output.iterdir()) and not _is_store(self._output):
                raise StorageError(f"{self._output} is no Zarr store: remove it yourself if nobody needs it")
            return
        begun_from = self._note.read_text("utf-8") if self._note.exists() else ""
        if not begun_from:
            raise StorageError(f"{self._output} exists already: choose another name, or give --overwrite")
        if begun_from != self._source:
            raise StorageError(
                f"{self._output} was begun from {begun_from}: convert that to its end, or give --overwrite"
            )
        self.resumes = True

    @contextmanager
    def going_on(self, overwrite: bool) -> Iterator[None]:
        """Leave the note where the conversion does not come to its end."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        self._note.write_text(self._source, "utf-8")
        if overwrite and self._output.exists():
            shutil.rmtree(self._output)
        yield
        self._note.unlink()


def _is_store(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("zarr.json", ".zgroup"))


def _check(plate: Plate, images: Sequence[PlateImage], output: Path) -> PlateLayout:
    """Make sure that images can become one OME-Zarr plate, and return what that will hold."""
    if output.suffix.lower() != ".zarr":
        raise StorageError(f"{output} must be named like plate.zarr")
    if not images:
        raise StorageError(f"{plate.path} holds no image that is known and asked for")
    if len(plate.layouts) > 1:
        names = ", ".join(str(layout.plate) for layout in plate.layouts)
        raise StorageError(f"{plate.path} holds several plates, convert one of them: {names}")
    homeless = [image.path for image in images if image.components.well is None]
    if homeless:
        raise StorageError(
            f"{len(homeless)} images name no well, and an OME-Zarr plate has nothing outside its wells,"
            f" such as {homeless[0]}"
        )
    chosen = frozenset(images)
    twice = [group for group in plate.duplicates if group[0] in chosen]
    if twice:
        first, second = twice[0][:2]
        raise StorageError(
            f"{first.path} and {second.path} are the same plane: convert one measurement at a time"
        )
    (layout,) = dataclasses.replace(plate, images=tuple(images)).layouts
    return layout


def _work(
    copy: Callable[[PlateImage], StorageError | None], images: Sequence[PlateImage], threads: int
) -> Iterator[StorageError | None]:
    """Yield what became of each image, and show how far it is."""
    columns = (TextColumn("Converting"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress, _pool(threads) as pool:
        yield from progress.track(pool.map(copy, images), total=len(images))


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(threads, "platecast-convert")
    try:
        yield pool
    finally:
        # After Ctrl-C, what was not begun is not done any more.
        pool.shutdown(cancel_futures=True)
