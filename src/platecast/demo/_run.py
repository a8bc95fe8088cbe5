"""The demonstration from a plate, given or made, to the report of its run."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platecast.config import NapariStreamingConfig, PipelineConfig
from platecast.demo._nuclei import find_channel, guess_nuclei_channel
from platecast.demo._pipeline import demo_pipeline
from platecast.demo._plate import make_plate
from platecast.errors import PipelineError, StorageError
from platecast.pipeline import Progress, RunReport, run
from platecast.storage import open_plate


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demonstration did.

    Parameters
    ----------
    plate
        Folder of the images.
    nuclei_channel
        The channel whose nuclei were labelled.
    channel_names
        What the instrument calls the channels, as far as it is known.
    run
        The run itself.
    """

    plate: Path
    nuclei_channel: int | str
    channel_names: dict[int | str, str]
    run: RunReport


def run_demo(
    plate: str | os.PathLike[str] | None,
    output: str | os.PathLike[str],
    *,
    streaming: NapariStreamingConfig,
    workers: int = 2,
    nuclei: int | str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> DemoReport:
    """Run the demonstration's pipeline over a plate.

    Parameters
    ----------
    plate
        Folder with the images; `None` makes a synthetic plate in ``<output>/plate``.
    output
        Where the results go, into ``<output>/results``.
    streaming
        Where everything is shown.
    workers
        Number of processes.
    nuclei
        The channel of the nuclear stain, by its number or name; guessed where it is not given.
    on_progress
        Called after every well.

    Returns
    -------
    DemoReport
        What was run, and the report of the run.

    Raises
    ------
    PipelineError
        The plate cannot be run, or has no such channel.
    """
    output = Path(output)
    plate = make_plate(output / "plate") if plate is None else Path(plate)
    try:
        opened = open_plate(plate)
    except StorageError as error:
        raise PipelineError(str(error)) from error
    if not opened.images:
        raise PipelineError(f"{plate} holds no images whose names are known: is it the plate's folder?")
    names, channels = opened.channel_names, opened.channels
    channel = (
        guess_nuclei_channel(channels, names) if nuclei is None else find_channel(nuclei, channels, names)
    )
    report = run(
        demo_pipeline(channel, PipelineConfig(napari_streaming=streaming)),
        plate,
        output / "results",
        workers,
        on_progress=on_progress,
    )
    return DemoReport(plate, channel, names, report)
