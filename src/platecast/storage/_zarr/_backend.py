"""The backend that keeps planes in OME-Zarr plates; imports zarr when the first one is touched."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from platecast.arrays import describe
from platecast.components import Components, Kind, PlateLayout
from platecast.errors import StorageError, UnsupportedArrayError
from platecast.storage._backend import AnyPath, StorageBackend
from platecast.storage._zarr._address import (
    ZarrAddress,
    find_root,
    format_address,
    group_folders,
    parse_address,
    split_labels,
)
from platecast.storage._zarr._facts import ChannelFacts, ImageRecord, PlateFacts, axes_of

if TYPE_CHECKING:
    from platecast.storage._zarr._image import LevelCache
    from platecast.storage._zarr._plate import ZarrPlate


class ZarrBackend(StorageBackend):
    """Keeps planes in plates of the format OME-Zarr 0.5, which other programs open as such.

    A path is an address and no file: ``out.zarr/Step_02_blur/well-A01_site-1_channel-DAPI_z-3.tif`` is a
    plane of the plate in ``out.zarr/Step_02_blur``, or of that in ``out.zarr`` where there is no folder
    between. With ``labels/nuclei`` before the name it is a plane of the label image ``nuclei``, which lies
    beside the image it belongs to. Names are read by `parse_name`; `list` returns them in our own convention.

    Several processes may write to one plate. One folder holds one plate, and an image needs a well.
    """

    name: ClassVar[str] = "zarr"

    def __init__(self) -> None:
        self._cache: LevelCache | None = None

    def declare(
        self,
        folder: AnyPath,
        layout: PlateLayout,
        *,
        channel_names: Mapping[int | str, str] | None = None,
        channel_colours: Mapping[int | str, str] | None = None,
    ) -> None:
        """Say what a plate will hold, so that arrays have their final shape and order from the start.

        What was not declared comes in the order in which it arrives, and arrays grow. What was declared
        before stays unless it is given again; image groups that are already there keep their order.

        Parameters
        ----------
        folder
            Where the plate is: the store, or a folder in it.
        layout
            Name, wells, sites, channels, z, time and distances, as far as they are known.
        channel_names
            What channels are called, by their value in the names of images.
        channel_colours
            Their colours, ``RRGGBB``.

        Raises
        ------
        StorageError
            `folder` lies in no store, or holds another plate.
        """
        names, colours = channel_names or {}, channel_colours or {}
        place = Path(os.path.normpath(folder))
        root = find_root(place)
        if root is None:
            raise StorageError(f"{place} lies in no OME-Zarr store: name a folder like results.zarr")
        try:
            self._plate(root, place).declare(
                PlateFacts(
                    plate=layout.plate,
                    layout=layout,
                    channels=tuple(
                        ChannelFacts(value=value, name=names.get(value, ""), colour=colours.get(value, ""))
                        for value in dict.fromkeys((*names, *colours))
                    ),
                )
            )
        except OSError as error:
            raise _typed(error, f"{place} could not be made a plate") from error

    def save(self, data: object, path: AnyPath) -> None:
        """Write one plane."""
        self.save_batch([data], [path])

    def save_batch(self, data: Sequence[object], paths: Sequence[AnyPath], **options: object) -> None:
        """Write several planes; those of one field together are cheaper than one by one.

        Parameters
        ----------
        data
            Planes, each ``(Y, X)`` or ``(Y, X, 3 | 4)``, on any device.
        paths
            Where each one rests.
        **options
            ``kind``: ``"image"``, or ``"labels"`` for label images that belong to no image; those under
            ``labels/`` are known to be some.

        Raises
        ------
        StorageError
            A path has no place, or it could not be written.
        UnsupportedArrayError
            Something is no plane, or labels are no integers. Nothing is written then.
        """
        kind = Kind(str(options.pop("kind", Kind.IMAGE)))
        if options:
            raise TypeError(f"the backend {self.name!r} takes no option named {', '.join(sorted(options))}")
        groups: dict[tuple[Path, Path, str, ImageRecord], list[tuple[object, Components]]] = {}
        for plane, path in zip(data, paths, strict=True):
            address = parse_address(path)
            record = _record(plane, address, kind)
            key = (address.root, address.folder, address.components.well or "", record)
            groups.setdefault(key, []).append((plane, address.components))
        for (root, folder, well, record), members in groups.items():
            try:
                self._plate(root, folder).save(
                    [plane for plane, _ in members], [components for _, components in members], record
                )
            except OSError as error:
                raise _typed(error, f"well {well} of {folder} could not be written") from error

    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Return a plane, in native byte order."""
        return self._load(path, None)

    def load_small(self, path: AnyPath, side_px: int) -> npt.NDArray[Any]:
        """Return a plane at the lowest level that has enough pixels, in native byte order."""
        return self._load(path, side_px)

    def _load(self, path: AnyPath, side_px: int | None) -> npt.NDArray[Any]:
        address = parse_address(path)
        try:
            return self._plate_of(address).load(address.labels, address.components, side_px)
        # What zarr and the codecs raise for a damaged file.
        except (OSError, ValueError, RuntimeError, LookupError) as error:
            raise _typed(error, f"{os.fspath(path)} could not be read") from error

    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Return the sorted paths of all planes in a folder and below, in all stores there."""
        top = Path(os.path.normpath(folder))
        root = find_root(top)
        start, _ = (top, "") if root is None else split_labels(root, top)
        found = []
        try:
            for place in group_folders(start):
                own_root = find_root(place)
                if own_root is not None:
                    for labels, components in self._plate(own_root, place).planes():
                        path = format_address(place, labels, components)
                        if top in Path(path).parents:
                            found.append(path)
        except (OSError, ValueError) as error:
            raise _typed(error, f"{top} could not be listed") from error
        return tuple(sorted(found))

    def exists(self, path: AnyPath) -> bool:
        """Return whether the plane was written."""
        address = parse_address(path)
        return self._plate_of(address).exists(address.labels, address.components)

    def delete(self, path: AnyPath) -> None:
        """Remove a plane; the image group stays, with the plane missing."""
        address = parse_address(path)
        try:
            self._plate_of(address).delete(address.labels, address.components)
        except OSError as error:
            raise _typed(error, f"{os.fspath(path)} could not be deleted") from error

    def close(self) -> None:
        """Let opened arrays go."""
        if self._cache is not None:
            self._cache.clear()

    def _plate_of(self, address: ZarrAddress) -> "ZarrPlate":
        return self._plate(address.root, address.folder)

    def _plate(self, root: Path, folder: Path) -> "ZarrPlate":
        # Here rather than above: a worker that only streams never pays for it.
        try:
            from platecast.storage._zarr._image import LevelCache
            from platecast.storage._zarr._plate import ZarrPlate
        except ImportError as error:
            raise StorageError(
                f"the zarr backend needs more ({error.name}): pip install 'platecast[zarr]'"
            ) from error
        if self._cache is None:
            self._cache = LevelCache()
        return ZarrPlate(root, folder, self._cache)


def _record(plane: object, address: ZarrAddress, kind: Kind) -> ImageRecord:
    shape, dtype = describe(plane)
    if address.labels:
        kind = Kind.LABELS
    if kind is Kind.LABELS and (len(shape) != 2 or dtype.kind not in "iu"):
        raise UnsupportedArrayError(
            f"labels must be integers of shape (Y, X), not {dtype} of {shape}: is this an image?"
        )
    return ImageRecord(
        site=address.components.site,
        axes=axes_of(address.components),
        plane_shape=(shape[0], shape[1]),
        samples=shape[2] if len(shape) == 3 else 1,
        dtype=dtype.name,
        kind=kind,
        labels=address.labels,
    )


def _typed(error: Exception, what: str) -> StorageError:
    """Return an error of ours as it is, and any other one as one of ours."""
    return error if isinstance(error, StorageError) else StorageError(f"{what}: {error}")
