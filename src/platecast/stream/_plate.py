"""A whole plate that rests on disk, sent as headers: the viewer reads a plane when it is looked at."""

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from platecast.components import StepId
from platecast.contrast import robust_limits
from platecast.errors import PlatecastError
from platecast.storage import FileManager, Header, Plate, PlateImage, resting_address
from platecast.stream._plane_stream import PlaneStream

_THREADS = 4
"""Opening a file waits for the disk, or for the network behind it, and hardly computes."""
_CHUNK = 256
_SAMPLES = 5
"""Planes of each channel by which its contrast is chosen, spread over the plate."""
_ROWS = 24
Limits = dict[int | str | None, tuple[float, float]]
"""Contrast limits by channel."""


@dataclass(frozen=True, slots=True)
class PlateProgress:
    """How far the sending of a plate is.

    Parameters
    ----------
    done, total
        Images whose headers were sent, or that failed, and all of them.
    failures
        Those that failed so far, each with its reason.
    """

    done: int
    total: int
    failures: tuple[str, ...]


def send_images(
    stream: PlaneStream,
    plate: Plate,
    *,
    images: Iterable[PlateImage] | None = None,
    step: StepId | None = None,
    on_progress: Callable[[PlateProgress], None] | None = None,
    is_over: Callable[[], bool] | None = None,
) -> PlateProgress:
    """Send what is known of a plate's images, and leave their pixels where they are.

    Each image's header is read, which shows whether its file is whole; one that is not is sent as failed,
    with the reason, and the rest goes on. Takes as long as opening every file does; a viewer shows the first
    plane at once.

    Parameters
    ----------
    stream
        Goes to the viewer.
    plate
        What `open_plate` returned.
    images
        Some of its images; default: all.
    step
        The step that made them; default: the stream's own.
    on_progress
        Called in this thread after every few images.
    is_over
        Asked before every image; once it says so, the rest is not sent.

    Returns
    -------
    PlateProgress
        The end of it.
    """
    chosen = plate.images if images is None else tuple(images)
    for layout in dataclasses.replace(plate, images=chosen).layouts:
        stream.announce(layout)
    failures: list[str] = []
    progress = PlateProgress(0, len(chosen), ())
    with FileManager() as files, ThreadPoolExecutor(_THREADS, "platecast-plate") as threads:
        limits = contrast_limits(chosen, files, threads)
        for number, (image, found) in enumerate(read_headers(chosen, files, threads), start=1):
            if is_over is not None and is_over():
                threads.shutdown(cancel_futures=True)
                return PlateProgress(number - 1, len(chosen), tuple(failures))
            reason = found if isinstance(found, str) else _send(stream, image, found, limits, step)
            if reason is not None:
                failures.append(reason)
                stream.send_failure(reason, image.components, step=step)
            if number % _CHUNK in (0, 1) or number == len(chosen):
                progress = PlateProgress(number, len(chosen), tuple(failures))
                if on_progress is not None:
                    on_progress(progress)
    return progress


def contrast_limits(images: Sequence[PlateImage], files: FileManager, threads: ThreadPoolExecutor) -> Limits:
    """Return robust contrast limits of each channel, from a few of its planes all over the plate."""
    channels: dict[int | str | None, list[PlateImage]] = {}
    for image in images:
        channels.setdefault(image.components.channel, []).append(image)
    sampled = [
        (channel, members[place])
        for channel, members in channels.items()
        for place in np.unique(np.linspace(0, len(members) - 1, _SAMPLES).astype(int))
    ]
    values: dict[int | str | None, list[np.ndarray[tuple[int], np.dtype[np.generic]]]] = {}
    looked_at = threads.map(lambda image: _sample(image, files), [image for _, image in sampled])
    for (channel, _), sample in zip(sampled, looked_at, strict=True):
        if sample is not None:
            values.setdefault(channel, []).append(sample)
    found = {channel: robust_limits(np.concatenate(each)) for channel, each in values.items()}
    return {channel: limits for channel, limits in found.items() if limits is not None}


def _sample(image: PlateImage, files: FileManager) -> np.ndarray[tuple[int], np.dtype[np.generic]] | None:
    """Return some rows of a plane; `None` for RGB, and where it cannot be read, which is said later."""
    try:
        plane = files.load(image.path, image.backend)
    except (OSError, PlatecastError):
        return None
    if plane.ndim != 2:
        return None
    rows: np.ndarray[tuple[int], np.dtype[np.generic]] = plane[:: max(1, len(plane) // _ROWS)].reshape(-1)
    return rows


def read_headers(
    images: Sequence[PlateImage], files: FileManager, threads: ThreadPoolExecutor
) -> Iterator[tuple[PlateImage, Header | str]]:
    """Yield each image with what its header says, or why that cannot be told; few are begun ahead."""

    def look(image: PlateImage) -> tuple[PlateImage, Header | str]:
        try:
            return image, files.header(image.path, image.backend)
        except (OSError, PlatecastError) as error:
            return image, str(error)

    waiting = iter(images)
    ahead: list[Iterator[tuple[PlateImage, Header | str]]] = []
    while True:
        chunk = list(itertools.islice(waiting, _CHUNK))
        if chunk:
            ahead.append(threads.map(look, chunk))
        if not ahead:
            return
        if len(ahead) > 1 or not chunk:
            yield from ahead.pop(0)


def absolute_address(image: PlateImage) -> str:
    """Return an address that means the same in the viewer's process, which has a folder of its own."""
    path = image.path if "://" in image.path else os.path.abspath(image.path)
    return resting_address(image.backend, path)


def _send(
    stream: PlaneStream, image: PlateImage, header: Header, limits: Limits, step: StepId | None
) -> str | None:
    """Send a header; return why that cannot be, if so."""
    shape, dtype = header
    try:
        stream.send_resting(
            absolute_address(image),
            shape,
            dtype,
            image.components,
            step=step,
            contrast=limits.get(image.components.channel),
        )
    except PlatecastError as error:
        return f"{image.path}: {error}"
    return None
