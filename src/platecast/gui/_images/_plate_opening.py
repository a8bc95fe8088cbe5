"""A plate opened for looking at: its images, and the contrast of its channels. For threads."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from platecast.errors import StorageError
from platecast.gui._images._thumbnails import Limits
from platecast.storage import FileManager, Plate, open_plate
from platecast.stream import contrast_limits

_THREADS = 4


@dataclass(frozen=True, slots=True)
class OpenedPlate:
    """A plate, and what its images are looked at with.

    Parameters
    ----------
    place
        What the user named.
    plate
        What is there; it has images.
    limits
        Contrast limits by channel.
    """

    place: str
    plate: Plate
    limits: Limits

    @property
    def remarks(self) -> str:
        """What is not as it should be, in a few lines; empty where all is well."""
        plate = self.plate
        lines = list(plate.problems[:_MOST_REMARKS])
        if len(plate.problems) > _MOST_REMARKS:
            lines.append(f"and {len(plate.problems) - _MOST_REMARKS} more problems")
        if plate.duplicates:
            lines.append(f"{len(plate.duplicates)} images are there more than once; the last one is shown")
        if plate.left_out:
            lines.append(f"{len(plate.left_out)} files were left out, such as {plate.left_out[0]}")
        return "\n".join(lines)


_MOST_REMARKS = 3


def open_for_looking(place: str) -> OpenedPlate:
    """Open a folder, store or URL.

    Raises
    ------
    StorageError
        There is no plate, or none of its images is known.
    """
    place = place.strip()
    plate = open_plate(place if "://" in place else os.path.abspath(os.path.expanduser(place)))
    if not plate.images:
        seen = (
            f": {len(plate.left_out)} files look like images and their names are of no kind we know,"
            f" such as {plate.left_out[0]}"
            if plate.left_out
            else ": it holds no images"
        )
        raise StorageError(f"no plate in {plate.path}{seen}")
    with FileManager() as files, ThreadPoolExecutor(_THREADS, "platecast-contrast") as threads:
        return OpenedPlate(place, plate, contrast_limits(plate.images, files, threads))
