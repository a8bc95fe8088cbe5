"""`platecast convert`: the raw images of a plate, copied into one OME-Zarr plate."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from platecast.cli._console import errors, out, print_error
from platecast.components import PlateLayout, format_name, well_name
from platecast.errors import StorageError
from platecast.storage import Plate, PlateImage, ZarrBackend, open_plate

_MOST_THREADS = 4
"""Reading, compressing and writing go on beside each other; more threads wait for the interpreter."""


def convert(
    plate: Annotated[Path, typer.Argument(exists=True, help="Folder of a plate's images.")],
    output: Annotated[Path, typer.Argument(help="The OME-Zarr plate to make, such as plate.zarr.")],
    well: Annotated[
        list[str] | None, typer.Option(help="Only this well; may be given several times.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only this channel, by its number or name; may be given several times."),
    ] = None,
) -> None:
    """Copy the raw images of a plate into one OME-Zarr plate, which many programs open."""
    opened = open_plate(plate)
    images = _chosen(opened, well or [], channel or [])
    layout = _check(opened, images, output)
    backend = ZarrBackend()
    colours = {info.channel: info.color.lstrip("#") for info in opened.metadata.channels if info.color}
    backend.declare(output, layout, channel_names=opened.channel_names, channel_colours=colours)

    def copy(image: PlateImage) -> StorageError | None:
        try:
            backend.save(opened.read(image), output / format_name(image.components))
        except StorageError as error:
            return error
        return None

    failures = [error for error in _work(copy, images) if error is not None]
    for failure in failures:
        print_error(failure)
    out.print(f"{len(images) - len(failures)} of {len(images)} images are in {output}", highlight=False)
    if failures:
        raise typer.Exit(1)


def _chosen(plate: Plate, wells: Sequence[str], channels: Sequence[str]) -> Sequence[PlateImage]:
    """Return the images that the options ask for; whatever they name must be there."""
    wanted_wells = {well_name(label) for label in wells}
    absent = sorted(wanted_wells.difference(plate.wells))
    if absent:
        raise StorageError(f"{plate.path} has no well {', '.join(absent)}: it has {', '.join(plate.wells)}")
    called = {value: {str(value), plate.channel_names.get(value, str(value))} for value in plate.channels}
    unknown = [text for text in channels if not any(text in names for names in called.values())]
    if unknown:
        known = ", ".join(" or ".join(sorted(names)) for names in called.values())
        raise StorageError(f"{plate.path} has no channel {', '.join(unknown)}: it has {known}")
    wanted_channels = {value for value, names in called.items() if names.intersection(channels)}
    return [
        image
        for image in plate.images
        if (not wells or image.components.well in wanted_wells)
        and (not channels or image.components.channel in wanted_channels)
    ]


def _check(plate: Plate, images: Sequence[PlateImage], output: Path) -> PlateLayout:
    """Make sure that images can become one OME-Zarr plate, and return what that will hold."""
    if output.suffix.lower() != ".zarr":
        raise StorageError(f"{output} must be named like plate.zarr")
    if output.exists():
        raise StorageError(f"{output} exists already: choose another name, or remove it")
    if not images:
        raise StorageError(f"{plate.path} holds no image whose name is known")
    if len(plate.layouts) > 1:
        names = ", ".join(str(layout.plate) for layout in plate.layouts)
        raise StorageError(f"{plate.path} holds several plates, convert one of them: {names}")
    homeless = [image.path for image in images if image.components.well is None]
    if homeless:
        raise StorageError(
            f"{len(homeless)} images name no well, and an OME-Zarr plate has nothing outside its wells,"
            f" such as {homeless[0]}"
        )
    if plate.duplicates:
        first, second = plate.duplicates[0][:2]
        raise StorageError(
            f"{first.path} and {second.path} are the same plane: convert one measurement at a time"
        )
    (layout,) = plate.layouts
    return msgspec.structs.replace(
        layout,
        well=tuple(dict.fromkeys(image.components.well for image in images if image.components.well)),
        channel=tuple(
            value for value in layout.channel if any(image.components.channel == value for image in images)
        ),
    )


def _work(
    copy: Callable[[PlateImage], StorageError | None], images: Sequence[PlateImage]
) -> Iterator[StorageError | None]:
    """Yield what became of each image, and show how far it is."""
    columns = (TextColumn("Converting"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
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
