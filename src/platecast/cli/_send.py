"""`platecast send`: some image files, or plates, into a viewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from platecast.cli._console import errors, number_or_text, out, print_error
from platecast.cli._ports import PortOption, viewer_on
from platecast.components import Components, Kind, PlateLayout
from platecast.config import NapariStreamingConfig, WhenFull
from platecast.errors import StorageError, UnsupportedArrayError
from platecast.storage import FileManager, PlateImage, open_files, open_plate
from platecast.stream import Stream

_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is to send, and the complaints on the way."""

    images: tuple[PlateImage, ...]
    layouts: tuple[PlateLayout, ...]
    problems: tuple[str, ...]


def send(
    files: Annotated[
        list[Path], typer.Argument(exists=True, help="Image files, or folders and OME-Zarr stores of plates.")
    ],
    port: PortOption = None,
    pattern: Annotated[
        str | None, typer.Option(help="Regular expression for the names, with groups such as (?P<well>...).")
    ] = None,
    well: Annotated[str | None, typer.Option(help="Well, of files whose names tell nothing.")] = None,
    site: Annotated[int | None, typer.Option(help="Site, of such files.")] = None,
    channel: Annotated[str | None, typer.Option(help="Channel, of such files.")] = None,
    kind: Annotated[Kind, typer.Option(help="What the values mean.")] = Kind.IMAGE,
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen", help="Use a virtual screen.", show_default="where there is none"
        ),
    ] = None,
) -> None:
    """Show image files in a viewer; their names say which well, site, channel, slice and time they are."""
    is_described = any(value is not None for value in (well, site, channel))
    number = None if channel is None else number_or_text(channel)
    found = _find(files, pattern, Components(well=well, site=site, channel=number) if is_described else None)
    for problem in found.problems:
        print_error(problem)
    if not found.images:
        raise StorageError(
            "nothing to send: name files of images, or say what they are with --well or --pattern"
        )
    endpoint, _ = viewer_on(port, title="platecast", virtual_screen=headless)
    # Nothing else waits for this process, so that it may wait for the viewer instead of dropping planes.
    config = NapariStreamingConfig(
        napari_port=endpoint.port, when_full=WhenFull.BLOCK, block_timeout_s=_PATIENCE_S
    )
    failures = len(found.problems)
    with Stream(config=config, start_viewer=False) as stream, FileManager() as manager:
        for layout in found.layouts:
            stream.announce(layout)
        for image in track(found.images, description="Sending", console=errors, transient=True):
            try:
                plane = manager.load(image.path, image.backend)
                stream.send_components(plane, image.components, kind=kind, address=image.address)
            except (OSError, UnsupportedArrayError) as error:
                failures += 1
                print_error(error)
        ledger = stream.flush(_PATIENCE_S)
    arrived = ledger.shown + ledger.superseded
    out.print(
        f"{arrived} of {len(found.images)} images are shown in the viewer on port {endpoint.port}",
        highlight=False,
    )
    if failures or arrived < len(found.images):
        raise typer.Exit(1)


def _find(paths: Sequence[Path], pattern: str | None, otherwise: Components | None) -> _Found:
    """Find the images of folders and files; `otherwise` is what files of unknown names are."""
    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if not path.is_dir()]
    plates = [open_plate(folder, pattern=pattern) for folder in folders]
    problems = [problem for plate in plates for problem in plate.problems]
    problems += [f"no image whose name is known in {plate.path}" for plate in plates if not plate.images]
    if files:
        plate = open_files(files, pattern=pattern)
        plates.append(plate)
        if otherwise is None:
            problems += [f"{path}: its name does not say which image it is" for path in plate.left_out]
            problems += [text for text in plate.problems if not any(path in text for path in plate.left_out)]
    images = [image for plate in plates for image in plate.images]
    if otherwise is not None and files:
        images += [PlateImage(path, otherwise) for path in plates[-1].left_out]
    return _Found(
        tuple(images), tuple(layout for plate in plates for layout in plate.layouts), tuple(problems)
    )
