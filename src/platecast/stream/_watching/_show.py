"""From the finished files of a folder to planes that are sent, each once, and to what is known of them."""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import msgspec

from platecast.components import Components, PlateLayout
from platecast.errors import PlatecastError
from platecast.storage import FileManager, Header, Plate, PlateImage, PlateReader
from platecast.stream._plate import absolute_address, contrast_limits, read_headers
from platecast.stream._stream import Stream

_log = logging.getLogger(__name__)

_MANY = 32
"""Of so many planes at once only headers are sent: a folder that was full when it was first looked at."""
_THREADS = 4

Found = dict[str, tuple[PlateImage, ...]]
"""The images of files, by their places."""


class FolderShow:
    """Shows files of a folder in a viewer. For one thread; a context manager.

    Parameters
    ----------
    stream
        Goes to the viewer.
    reader
        Tells what the files are.
    """

    def __init__(self, stream: Stream, reader: PlateReader) -> None:
        self._stream = stream
        self._reader = reader
        self._files = FileManager()
        self._threads = ThreadPoolExecutor(_THREADS, "platecast-watch-read")
        self._aliases: dict[str | None, str | None] = {}
        """Names of plates that were shown under another one before they were known."""
        self._identities: dict[str, tuple[Components, ...]] = {}
        """What the files were shown as."""
        self._announced: set[PlateLayout] = set()
        self.unknown: set[str] = set()
        """Files that look like images and are none of which anything is known."""
        self.planes = 0
        """Planes that were sent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._files.close()

    def forget(self) -> None:
        """Begin anew, for another viewer."""
        self._identities.clear()
        self.planes = 0

    def show(self, places: Sequence[str]) -> dict[str, str]:
        """Send the planes of files that may be finished.

        Returns
        -------
        dict
            The files that are not whole, and why.
        """
        plate = self._reader.read(places)
        found = self._by_place(plate.images)
        self.unknown.update(place for place in places if place not in found)
        self.unknown.difference_update(found)
        self._announce_sizes(plate)
        if sum(map(len, found.values())) > _MANY:
            return self._send_headers(found)
        broken: dict[str, str] = {}
        for place, images in found.items():
            reason = self._send_pixels(place, images)
            if reason is not None:
                broken[place] = reason
        return broken

    def fail(self, place: str, reason: str) -> None:
        """Tell that a file will not become whole."""
        for image in self._by_place(self._reader.read([place]).images).get(place, ()):
            self._stream.send_failure(reason, image.components)
            self.planes += 1

    def describe_by(self, metadata: Iterable[str]) -> None:
        """Believe files that describe the plate."""
        self._reader.describe_by(metadata)

    def check_again(self, places: Sequence[str]) -> int:
        """Look, now that more is known, whether files are what they were shown as; show those that are not.

        Returns
        -------
        int
            How many files that were.
        """
        plate = self._reader.read({*places, *self.unknown})
        self._learn_names(plate)
        found = self._by_place(plate.images)
        changed = {
            place: images
            for place, images in found.items()
            if place in self.unknown or self._differs(place, images)
        }
        withdrawn = [
            (each, place) for place in changed for each in self._identities.get(place, ()) if place in found
        ]
        current = {image.components for images in found.values() for image in images}
        for components, place in withdrawn:
            if components not in current:
                self._stream.send_failure(f"{place} turned out to be another image", components)
                self.planes += 1
        self.unknown.difference_update(found)
        self._announce_plan()
        self._announce_sizes(plate)
        for place, images in changed.items():
            self._send_pixels(place, images)
        if changed:
            _log.info("%d images are what they are known to be only now", len(changed))
        return len(changed)

    def _differs(self, place: str, images: tuple[PlateImage, ...]) -> bool:
        known = self._identities.get(place)
        if known is None:
            self._identities[place] = tuple(image.components for image in images)
            return False
        return known != tuple(image.components for image in images)

    def _send_pixels(self, place: str, images: tuple[PlateImage, ...]) -> str | None:
        """Send the planes of one file; return why it is not whole, if so."""
        try:
            for image in images:
                self._files.header(image.path, image.backend)
            planes = [self._files.load(image.path, image.backend) for image in images]
            for image, plane in zip(images, planes, strict=True):
                self._stream.send_components(plane, image.components, address=absolute_address(image))
                self.planes += 1
        except (OSError, PlatecastError) as error:
            return str(error)
        self._identities[place] = tuple(image.components for image in images)
        return None

    def _send_headers(self, found: Found) -> dict[str, str]:
        """Send many planes as headers; return which files are not whole, and why."""
        images = [image for each in found.values() for image in each]
        limits = contrast_limits(images, self._files, self._threads)
        headers: dict[str, list[tuple[PlateImage, Header]]] = {}
        broken: dict[str, str] = {}
        for image, header in read_headers(images, self._files, self._threads):
            place = self._reader.place(image.path)
            if isinstance(header, str):
                broken[place] = header
            else:
                headers.setdefault(place, []).append((image, header))
        for place, whole in headers.items():
            if place in broken:
                continue
            try:
                for image, (shape, dtype) in whole:
                    contrast = limits.get(image.components.channel)
                    address = absolute_address(image)
                    self._stream.send_resting(address, shape, dtype, image.components, contrast=contrast)
                    self.planes += 1
            except PlatecastError as error:
                broken[place] = str(error)
            self._identities[place] = tuple(image.components for image, _ in whole)
        return broken

    def _by_place(self, images: Iterable[PlateImage]) -> Found:
        found: dict[str, list[PlateImage]] = {}
        for image in images:
            found.setdefault(self._reader.place(image.path), []).append(self._under_its_name(image))
        return {place: tuple(members) for place, members in found.items()}

    def _under_its_name(self, image: PlateImage) -> PlateImage:
        plate = image.components.plate
        if plate not in self._aliases:
            return image
        components = msgspec.structs.replace(image.components, plate=self._aliases[plate])
        return dataclasses.replace(image, components=components)

    def _called(self, plate: Plate) -> Plate:
        """Return a plate under the name that it is shown under."""
        return dataclasses.replace(plate, images=tuple(map(self._under_its_name, plate.images)))

    def _learn_names(self, plate: Plate) -> None:
        """Let a plate whose name is known only now keep the one under which its images are shown."""
        for image in plate.images:
            name = image.components.plate
            shown = self._identities.get(self._reader.place(image.path), ())
            if name in self._aliases or not shown or any(each.plate == name for each in shown):
                continue
            if any(msgspec.structs.replace(image.components, plate=each.plate) == each for each in shown):
                self._aliases[name] = shown[0].plate

    def _announce_sizes(self, plate: Plate) -> None:
        """Tell the sizes of pixels and steps; which wells there are, images say themselves."""
        for layout in self._called(plate).layouts:
            self._announce(
                PlateLayout(
                    plate=layout.plate, pixel_size_um=layout.pixel_size_um, z_step_um=layout.z_step_um
                )
            )

    def _announce_plan(self) -> None:
        """Tell what is recorded, so that what is still to come has its place."""
        for layout in self._called(self._reader.expected()).layouts:
            self._announce(layout)

    def _announce(self, layout: PlateLayout) -> None:
        if layout != PlateLayout(plate=layout.plate) and layout not in self._announced:
            self._announced.add(layout)
            self._stream.announce(layout)
