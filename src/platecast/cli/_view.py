"""`platecast view`: the raw images of a plate, in a viewer."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from platecast.cli._console import errors, out
from platecast.cli._ports import PortOption, viewer_on
from platecast.components import Kind
from platecast.config import NapariStreamingConfig, WhenFull
from platecast.pipeline import find_images, layouts_of
from platecast.storage import FileManager
from platecast.stream import Stream

_PATIENCE_S = 60.0


def view(
    plate: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of a plate's images.")],
    port: PortOption = None,
    headless: Annotated[
        bool | None,
        typer.Option("--headless/--on-screen", help="Use a virtual screen. [default: where there is none]"),
    ] = None,
) -> None:
    """Show the raw images of a plate; the viewer stays when this command ends."""
    images = find_images(plate)
    if not images:
        errors.print(f"[bold red]Error:[/] no image whose name is known in {plate}", highlight=False)
        raise typer.Exit(1)
    endpoint, _ = viewer_on(port, title=f"platecast: {plate.name}", virtual_screen=headless)
    # Nothing else waits for this process, so that it may wait for the viewer instead of dropping planes.
    config = NapariStreamingConfig(
        napari_port=endpoint.port, when_full=WhenFull.BLOCK, block_timeout_s=_PATIENCE_S
    )
    failures = 0
    with Stream(config=config, start_viewer=False) as stream, FileManager() as files:
        for layout in layouts_of(images):
            stream.announce(layout)
        for image in track(images, description="Sending", console=errors, transient=True):
            try:
                plane = files.load(image.path, "disk")
            except OSError as error:
                failures += 1
                errors.print(f"[yellow]{error}[/]", highlight=False)
                continue
            stream.send_components(plane, image.components, kind=Kind.IMAGE, address=f"disk:{image.path}")
        ledger = stream.flush(_PATIENCE_S)
    out.print(
        f"{ledger.shown} of {len(images)} images are shown in the viewer on port {endpoint.port}",
        highlight=False,
    )
    if failures or ledger.shown < len(images):
        raise typer.Exit(1)
