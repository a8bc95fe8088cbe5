"""What images of a folder are, told while the folder is being written: file by file."""

import os
import posixpath
from collections.abc import Iterable

from platecast.components import is_metadata_name
from platecast.storage._disk import SUFFIXES
from platecast.storage._plates._open import Opening
from platecast.storage._plates._plate import Plate, PlateImage
from platecast.storage._plates._records import PlateRecords, read_records
from platecast.storage._plates._scan import FoundFiles


class PlateReader:
    """Opens a part of a plate at a time, by the same rules as `open_plate` opens the whole.

    What some files' names mean may depend on the others', and on what the instrument writes down at the end;
    so a part that was read early may have to be read again with the rest.

    Parameters
    ----------
    folder
        The plate's folder.
    pattern, plate_columns
        As for `open_plate`.
    """

    def __init__(self, folder: str, *, pattern: str | None = None, plate_columns: int | None = None) -> None:
        self.folder = os.path.abspath(folder)
        self._pattern = pattern
        self._plate_columns = plate_columns
        self._records = PlateRecords()

    @property
    def problems(self) -> tuple[str, ...]:
        """What the files that describe the plate complain of, one line each."""
        return tuple(self._records.problems)

    def describe_by(self, metadata: Iterable[str]) -> None:
        """Believe, from now on, these files that describe the plate, given by their places."""
        self._records = read_records(self.folder, [_split(place) for place in metadata])

    def read(self, places: Iterable[str]) -> Plate:
        """Return the plate as far as some files go.

        Parameters
        ----------
        places
            Their paths relative to the folder, with ``/``.
        """
        found = FoundFiles(images=sorted(_split(place) for place in places))
        return Opening(self.folder, found, self._records).plate(self._pattern, self._plate_columns)

    def expected(self) -> Plate:
        """Return what the files that describe the plate speak of, whether it is there already or not."""
        records = [record for each in self._records.images.values() for record in each]
        images = tuple(
            PlateImage(record.name, record.components) for record in records if record.components is not None
        )
        return Plate(self.folder, images, self._records.metadata)

    def place(self, path: str) -> str:
        """Return the place of a file whose path, perhaps with a page, is in the folder."""
        return os.path.relpath(path.partition("#")[0], self.folder).replace(os.sep, "/")

    def path(self, place: str) -> str:
        """Return the path of a place."""
        return os.path.join(self.folder, *place.split("/"))


def is_image_name(name: str) -> bool:
    """Return whether a file of this name may be an image; a hidden one is somebody's unfinished work."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def is_plate_file(name: str) -> bool:
    """Return whether a file of this name may be an image of a plate, or describe one."""
    return is_image_name(name) or is_metadata_name(name)


def _split(place: str) -> tuple[str, str]:
    folder, name = posixpath.split(place)
    return folder, name
