"""`platecast view`: the raw images of a plate, in a viewer."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import track

from platecast.cli._console import errors, out, print_error
from platecast.cli._ports import PortOption, viewer_on
from platecast.components import Kind
from platecast.config import NapariStreamingConfig, WhenFull
from platecast.errors import StorageError
from platecast.storage import FileManager, Plate, open_plate
from platecast.stream import Stream

_PATIENCE_S = 60.0


def view(
    plate: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of a plate's images.")],
    port: PortOption = None,
    headless: Annotated[
        bool | None,
        typer.Option(
            "--headless/--on-screen", help="Use a virtual screen.", show_default="where there is none"
        ),
    ] = None,
) -> None:
    """Show the raw images of a plate; the viewer stays when this command ends."""
    opened = _open(plate)
    images = opened.images
    endpoint, _ = viewer_on(port, title=f"platecast: {plate.name}", virtual_screen=headless)
    # Nothing else waits for this process, so that it may wait for the viewer instead of dropping planes.
    config = NapariStreamingConfig(
        napari_port=endpoint.port, when_full=WhenFull.BLOCK, block_timeout_s=_PATIENCE_S
    )
    failures = 0
    with Stream(config=config, start_viewer=False) as stream, FileManager() as files:
        for layout in opened.layouts:
            stream.announce(layout)
        for image in track(images, description="Sending", console=errors, transient=True):
            try:
                plane = files.load(image.path, image.backend)
            except OSError as error:
                failures += 1
                print_error(error)
                continue
            stream.send_components(plane, image.components, kind=Kind.IMAGE, address=image.address)
        ledger = stream.flush(_PATIENCE_S)
    out.print(
        f"{ledger.shown} of {len(images)} images are shown in the viewer on port {endpoint.port}",
        highlight=False,
    )
    if failures or ledger.shown < len(images):
        raise typer.Exit(1)


def _open(path: Path) -> Plate:
    """Open the plate and say what is wrong with it; end the command where it has no images."""
    try:
        plate = open_plate(path)
    except StorageError as error:
        print_error(error)
        raise typer.Exit(1) from error
    for line in (*plate.problems, *plate.notes):
        errors.print(f"[yellow]{escape(line)}[/]", highlight=False)
    if plate.duplicates:
        first, second, *_ = (image.path for image in plate.duplicates[0])
        errors.print(
            f"[yellow]{len(plate.duplicates)} images are there more than once, and only the last of each is"
            f" shown, such as {escape(first)} and {escape(second)}[/]",
            highlight=False,
        )
    if not plate.images:
        print_error(f"no image whose name is known in {path}")
        raise typer.Exit(1)
    return plate
