"""Opening a plate: from a folder's files, and what stands in some of them, to images and what is known."""

import dataclasses
import logging
import os
from collections.abc import Sequence

import msgspec

from platecast.components import Components, ImageRecord, merge_metadata, metadata_rank, readable
from platecast.errors import StorageError
from platecast.storage import _places
from platecast.storage._backend import AnyPath
from platecast.storage._plates._backend import page_path
from platecast.storage._plates._names import read_names
from platecast.storage._plates._ome import is_ome_tiff, read_ome_tiffs
from platecast.storage._plates._plate import Plate, PlateImage, image_order
from platecast.storage._plates._records import PlateRecords, read_records, some
from platecast.storage._plates._scan import FoundFiles, is_store, join, looks_like_plate, scan
from platecast.storage._plates._tiff import describe

_logger = logging.getLogger(__name__)


def open_plate(path: AnyPath, *, pattern: str | None = None, plate_columns: int | None = None) -> Plate:
    """Open a plate, whatever instrument or program wrote it; one that is being written, too.

    What an instrument wrote down about its images (Harmony's index, CellVoyager's ``.mlf``, OME's companion)
    is believed first, then the images' names, see `parse_name`. Few images are opened, and none is read. An
    image whose record, name and folders name no plate belongs to the plate that the folder names.

    Parameters
    ----------
    path
        The plate's folder or one around it, a file in it that describes the plate, or an OME-Zarr plate; or
        the URL of one, of any kind that fsspec knows, which needs the extra ``remote-storage``. At a URL,
        folders must be of the kind that can be listed, and images are TIFF files.
    pattern
        A regular expression of your own for the images' names, see `parse_name`. What is written down about
        the images then counts for everything but what they are.
    plate_columns
        Number of columns of the plate, for instruments that number the wells, where no file states it.

    Returns
    -------
    Plate
        Its images and what is known of them; `Plate.problems` lists what could not be read.

    Raises
    ------
    StorageError
        There is no such folder, or it is a store that holds no plate, or several.
    ValueError
        `pattern` is not a regular expression, or one of its groups has no meaning.

    Examples
    --------
    >>> open_plate("no/such/plate")
    Traceback (most recent call last):
    platecast.errors.StorageError: no/such/plate could not be opened: No such file or directory
    """
    folder = _places.normal_place(path)
    _places.refresh(folder)
    if metadata_rank(_places.base_name(folder)) is not None and _places.is_file(folder):
        folder = _places.parent(folder)
    if is_store(folder):
        plate = _open_store(folder)
    else:
        try:
            found = scan(folder)
        except OSError as error:
            raise StorageError(f"{folder} could not be opened: {error.strerror or error}") from error
        if found.stores and not found.images:
            plate = _open_stores(folder, found)
        else:
            plate = Opening(folder, found).plate(pattern, plate_columns)
    if plate.problems:
        _logger.warning("%s: %s", folder, some(plate.problems))
    return plate


def open_files(paths: Sequence[AnyPath], *, pattern: str | None = None) -> Plate:
    """Open some image files as a plate, whatever else lies beside them.

    What their names say, and what OME-TIFF files say of themselves, as with `open_plate`; what describes a
    whole plate is left alone. Files that nothing is known of are in `Plate.left_out`.

    Parameters
    ----------
    paths
        Image files, at least one.
    pattern
        A regular expression of your own for their names, see `parse_name`.

    Raises
    ------
    ValueError
        `paths` is empty, or `pattern` is not a regular expression.
    """
    files = [os.path.abspath(os.fspath(path)) for path in paths]
    if not files:
        raise ValueError("no file to open")
    try:
        folder = os.path.commonpath([os.path.dirname(file) for file in files])
    except ValueError as error:
        raise StorageError(f"files on different drives cannot be opened together: {error}") from error
    found = FoundFiles()
    for file in dict.fromkeys(files):
        parent, name = os.path.split(os.path.relpath(file, folder))
        found.images.append((parent.replace(os.sep, "/"), name))
    plate = Opening(folder, found).plate(pattern, None)
    opened = {image.path.partition("#page=")[0] for image in plate.images}
    return dataclasses.replace(plate, left_out=tuple(file for file in files if file not in opened))


def is_plate(path: AnyPath) -> bool:
    """Return whether there is something that `open_plate` would open as a plate; quick in any folder.

    Parameters
    ----------
    path
        As for `open_plate`.
    """
    place = _places.normal_place(path)
    try:
        if is_store(place):
            return _open_store_quickly(place)
        if metadata_rank(_places.base_name(place)) is not None:
            return _places.is_file(place)
    except OSError:
        return False
    return looks_like_plate(place)


def _open_store_quickly(folder: str) -> bool:
    from platecast.storage._plates._zarr import holds_plate

    return holds_plate(folder)


def _open_store(folder: str) -> Plate:
    # Here rather than above: of no use for a folder of files.
    from platecast.storage._plates._zarr import open_store

    return open_store(folder)


def _open_stores(folder: str, found: FoundFiles) -> Plate:
    """Open the OME-Zarr plates in a folder that holds no other images."""
    plates: list[Plate] = []
    problems = list(found.problems)
    for store in found.stores:
        try:
            plates.append(_open_store(_places.join(folder, store)))
        except StorageError as error:
            problems.append(str(error))
    return Plate(
        path=folder,
        images=tuple(sorted((image for plate in plates for image in plate.images), key=image_order)),
        metadata=merge_metadata(*(plate.metadata for plate in plates)),
        problems=(*problems, *(problem for plate in plates for problem in plate.problems)),
    )


class Opening:
    """Puts together what lies in a folder.

    Parameters
    ----------
    folder
        The folder.
    found
        Its files.
    recorded
        What files that describe the plate state, if they were read already.
    """

    def __init__(self, folder: str, found: FoundFiles, recorded: PlateRecords | None = None) -> None:
        self._recorded = recorded
        self._folder = folder
        self._found = found
        self._plate_name = readable(_places.base_name(folder)) or None
        self._images: list[PlateImage] = []
        self._records: dict[str, ImageRecord] = {}
        self._problems = list(found.problems)

    def plate(self, pattern: str | None, plate_columns: int | None) -> Plate:
        """Return the whole."""
        places = [join(folder, name) for folder, name in self._found.images]
        recorded = self._recorded or read_records(self._folder, self._found.metadata)
        stacks = read_ome_tiffs(
            self._folder,
            [place for place in places if is_ome_tiff(place) and place not in recorded.images],
        )
        metadata = merge_metadata(recorded.metadata, stacks.metadata)
        self._problems += recorded.problems + stacks.problems
        self._complain_of_absent(recorded, places)
        stated = recorded.images | stacks.images
        # A name is read where no record says what the image is: of pages, the name says the rest.
        unknown = [place for place in places if pattern is not None or not _are_placed(stated.get(place))]
        names = read_names(unknown, pattern, plate_columns or metadata.columns)
        left_out = [place for place in names.left_out if place not in stated or pattern is not None]
        self._problems += names.problems
        for place in places:
            self._add(place, stated.get(place, []), names.components.get(place), pattern is not None)
        self._images.sort(key=image_order)
        if metadata.pixel_size_um is None:
            described = describe(
                (path, image.components)
                for image in self._images
                if (path := image.file) is not None and path[-4:].lower() in ("tiff", ".tif")
            )
            self._problems += described.problems
            if described.site is not None and pattern is None:
                self._name_site(described.site)
            # What stands in the images was true when they were taken; beside them stands what was planned.
            metadata = merge_metadata(described.metadata, metadata)
        return Plate(
            path=self._folder,
            images=tuple(self._images),
            metadata=msgspec.structs.replace(metadata, records=tuple(self._records.values())),
            left_out=tuple(left_out),
            problems=tuple(self._problems),
            notes=tuple(names.notes),
            records=self._records,
        )

    def _add(
        self, place: str, records: list[ImageRecord], named: Components | None, name_decides: bool
    ) -> None:
        """Add the planes of one file."""
        path = _places.join(self._folder, place)
        is_remote = _places.is_url(path)
        if not records:
            if named is not None:
                self._images.append(_image(path, 0, self._of_a_plate(named), is_remote))
            return
        for record in records:
            what = _known(record.components, named, name_decides, len(records) > 1)
            if what is None:
                continue
            is_page = len(records) > 1 or record.page > 0
            image = _image(path, record.page, self._of_a_plate(what), is_page or is_remote)
            self._images.append(image)
            self._records[image.path] = record

    def _name_site(self, site: int) -> None:
        """Give the site to images whose names state none, as MetaXpress writes them where a well has one."""
        for number, image in enumerate(self._images):
            if image.components.site is None and image.file is not None:
                components = msgspec.structs.replace(image.components, site=site)
                self._images[number] = PlateImage(image.path, components, image.backend)

    def _of_a_plate(self, components: Components) -> Components:
        if components.plate is not None:
            return components
        return msgspec.structs.replace(components, plate=self._plate_name)

    def _complain_of_absent(self, recorded: PlateRecords, places: list[str]) -> None:
        """Say which images are recorded and not there, in one line for each file that records them."""
        present = frozenset(places)
        absent: dict[str, list[str]] = {}
        for place, index in recorded.index_of.items():
            if place not in present:
                absent.setdefault(index, []).append(place)
        self._problems += [
            f"{index}: {len(missing)} of the images it records are not there, such as {missing[0]}"
            for index, missing in absent.items()
        ]


def _image(path: str, page: int, components: Components, is_page: bool) -> PlateImage:
    """Return an image: a file of its own, or a page as the backend ``plate`` reads it, from a URL, too."""
    return PlateImage(page_path(path, page) if is_page else path, components, "plate" if is_page else "disk")


def _are_placed(records: list[ImageRecord] | None) -> bool:
    return bool(records) and all(each.components and each.components.well for each in records or ())


def _known(
    stated: Components | None, named: Components | None, name_decides: bool, is_stack: bool
) -> Components | None:
    """Return what an image is, from its record and its name."""
    if stated is None or (name_decides and not is_stack):
        return named
    if stated.well is not None and not name_decides:
        return stated
    if named is None:
        return None if name_decides else stated
    # A file of several planes: its name says where they were taken, its record which of them is which.
    return Components(
        plate=named.plate or stated.plate,
        well=named.well or stated.well,
        site=stated.site if named.site is None else named.site,
        channel=stated.channel if named.channel is None else named.channel,
        z_index=named.z_index if stated.z_index is None else stated.z_index,
        timepoint=named.timepoint if stated.timepoint is None else stated.timepoint,
    )
