"""What users call: `Stream` and `send`."""

import datetime
import functools
import math
import os
import secrets
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from platecast.arrays import as_labels, describe
from platecast.components import Components, Kind, PlaneId, PlateLayout, StepId
from platecast.config import NapariStreamingConfig, WhenFull
from platecast.errors import UnsupportedArrayError
from platecast.storage import AnyPath, Plate, PlateImage, open_plate
from platecast.stream._link import Link
from platecast.stream._links import links
from platecast.stream._staged import Pixels, Room, Staged
from platecast.wire import MAX_PLANE_BYTES, MAX_REASON_LENGTH, DropReason, Ledger

if TYPE_CHECKING:
    from platecast.stream._plate import PlateProgress

_KINDS = (Kind.IMAGE, Kind.LABELS)


class Stream:
    """A stream of planes to the napari viewer on one port.

    All streams of a process to the same port share one background thread and one budget. Every method may
    be called from any thread. Nothing blocks except `flush`, `close` and, where it was chosen,
    `WhenFull.BLOCK`. No state of the viewer raises an error here: what could not be shown is in `report`.

    Parameters
    ----------
    port
        The viewer's data port; `config` may name it instead.
    step
        Index and name of the pipeline's step that makes the planes.
    plate
        Name of the plate, for planes that do not name one themselves.
    run
        Identifier of the run; default: one for this process.
    config
        Display and delivery; default: `NapariStreamingConfig` with its defaults.
    start_viewer
        Whether a viewer is started, in the background, where none is found. Planes sent meanwhile wait.

    Examples
    --------
    A stream is a context manager; leaving it waits, a bounded time, until everything is shown::

        with Stream(port=5555, step=(2, "gaussian_blur")) as stream:
            stream.send(image, well="A01", channel="DAPI", z_index=3)
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        step: tuple[int, str] | StepId | None = None,
        plate: str | None = None,
        run: str | None = None,
        config: NapariStreamingConfig | None = None,
        start_viewer: bool = True,
    ) -> None:
        chosen = config or NapariStreamingConfig()
        if port is not None:
            chosen = NapariStreamingConfig(**{**chosen.model_dump(exclude_unset=True), "napari_port": port})
        self.config = chosen
        self.port = chosen.napari_port
        self.run = process_run() if run is None else run
        self._step = step if isinstance(step, StepId | None) else StepId(*step)
        self._plate = plate
        self._display = chosen.display()
        self._start_viewer = start_viewer
        self._bound: tuple[int, Link, int] | None = None
        # Here rather than with the first plane: opening a link costs milliseconds.
        self._bind()

    def send(
        self,
        image: object,
        *,
        well: str | None = None,
        site: int | None = None,
        channel: int | str | None = None,
        z_index: int | None = None,
        timepoint: int | None = None,
        plate: str | None = None,
        kind: Kind | str = Kind.IMAGE,
    ) -> None:
        """Send one plane. Its pixels are copied before this returns; the caller may change them at once.

        Parameters
        ----------
        image
            ``(Y, X)`` or ``(Y, X, 3 | 4)``, of any array library, on any device.
        well, site, channel, z_index, timepoint, plate
            What the plane is, see `Components`; at least one is given.
        kind
            ``"image"`` or ``"labels"``.

        Raises
        ------
        UnsupportedArrayError
            The array is no plane, or its dtype cannot be shown without loss.
        InvalidComponentsError, InvalidWellError
            The components name no plane.
        """
        components = Components(
            plate=self._plate if plate is None else plate,
            well=well,
            site=site,
            channel=channel,
            z_index=z_index,
            timepoint=timepoint,
        )
        self.send_components(image, components, kind=Kind(kind))

    def send_components(
        self,
        image: object,
        components: Components,
        *,
        kind: Kind = Kind.IMAGE,
        step: StepId | None = None,
        address: str | None = None,
    ) -> None:
        """Send one plane whose components are known already; otherwise as `send`.

        Parameters
        ----------
        image
            As for `send`.
        components
            What the plane is.
        kind
            What its values mean.
        step
            The step that made it; default: the stream's own.
        address
            Where the plane rests, as ``backend:path``. Where pixels have to give way, the viewer is told of
            such a plane all the same, and reads it when it is looked at.
        """
        if kind not in _KINDS:
            raise UnsupportedArrayError(f"kind {kind.value!r} cannot be sent yet: use 'image' or 'labels'")
        if kind is Kind.LABELS:
            image = as_labels(image)
        shape, dtype = describe(image)
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes > MAX_PLANE_BYTES:
            raise UnsupportedArrayError(f"a plane of {nbytes} bytes: at most {MAX_PLANE_BYTES} can be sent")
        link, number = self._bind()
        staged_pixels = self._stage(link, image, shape, dtype, nbytes)
        if isinstance(staged_pixels, DropReason) and address is None:
            link.outbox.drop(number, staged_pixels)
            return
        pixels = None if isinstance(staged_pixels, DropReason) else staged_pixels
        plane = PlaneId(components=components, run=self.run, step=step or self._step, kind=kind)
        staged = Staged(number, plane, self._display, shape, dtype.str, nbytes, pixels, address)
        self._queue(link, staged)

    def send_resting(
        self,
        address: str,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        components: Components,
        *,
        kind: Kind = Kind.IMAGE,
        step: StepId | None = None,
        contrast: tuple[float, float] | None = None,
    ) -> None:
        """Tell the viewer of a plane that rests in a store, which it reads when the plane is looked at.

        Only a header travels: it waits for the viewer whatever the budget is, and is never dropped.

        Parameters
        ----------
        address
            Where the plane rests, as ``backend:path``.
        shape, dtype
            Of its pixels; a plane that turns out to be another one fails when it is looked at.
        components, kind, step
            As for `send_components`.
        contrast
            Lower and upper limit for the first plane of a layer; without them it is read for its own.

        Raises
        ------
        UnsupportedArrayError
            The shape or dtype is none of a plane.
        """
        # An array without memory of its own: what can be sent is decided in one place.
        shape, plain = describe(np.broadcast_to(np.zeros((), dtype), shape))
        link, number = self._bind()
        plane = PlaneId(components=components, run=self.run, step=step or self._step, kind=kind)
        nbytes = math.prod(shape) * plain.itemsize
        staged = Staged(number, plane, self._display, shape, plain.str, nbytes, None, address)
        staged.contrast = contrast
        self._queue(link, staged)

    def send_failure(
        self, reason: str, components: Components, *, kind: Kind = Kind.IMAGE, step: StepId | None = None
    ) -> None:
        """Tell the viewer that there is no plane to be had for a place; it counts as failed, and says so.

        Parameters
        ----------
        reason
            What is shown there in its stead; a plane that was shown there before is withdrawn.
        components, kind, step
            What the plane would have been, as for `send_components`.
        """
        link, number = self._bind()
        plane = PlaneId(components=components, run=self.run, step=step or self._step, kind=kind)
        failure = reason[:MAX_REASON_LENGTH]
        self._queue(link, Staged(number, plane, self._display, (), "", 0, None, failure=failure))

    def send_plate(
        self,
        plate: Plate | AnyPath,
        *,
        images: Iterable[PlateImage] | None = None,
        on_progress: "Callable[[PlateProgress], None] | None" = None,
    ) -> "PlateProgress":
        """Show a plate that rests on disk: only headers travel, and pixels are read when they are looked at.

        Blocks while the images' headers are read: two seconds for 27,648 files on a local disk.

        Parameters
        ----------
        plate
            What `open_plate` opens, or has opened.
        images
            Some of the images of an opened plate; default: all.
        on_progress
            Called in this thread after every few images.

        Returns
        -------
        PlateProgress
            How many images there are, and which of them failed.

        Raises
        ------
        StorageError
            It is no plate, or cannot be opened.
        """
        from platecast.stream._plate import send_images

        opened = plate if isinstance(plate, Plate) else open_plate(plate)
        return send_images(self, opened, images=images, on_progress=on_progress)

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint16) -> npt.NDArray[Any]:
        """Return an array to write one plane into, which `send` then takes without a copy.

        After it was sent the array belongs to the viewer: it is read-only, and its content may change. An
        array that is never sent is simply let go.

        Parameters
        ----------
        shape
            ``(Y, X)`` or ``(Y, X, 3 | 4)``.
        dtype
            One of the dtypes that can be sent.
        """
        return self._bind()[0].staging.empty(tuple(shape), np.dtype(dtype))

    def announce(self, layout: PlateLayout) -> None:
        """Say what a plate holds before its images are there, so that the viewer's sliders are complete."""
        self._bind()[0].announce(layout)

    def report(self) -> Ledger:
        """Return the account of this stream's planes at this moment."""
        link, number = self._bind()
        return link.outbox.ledger(number)

    def flush(self, timeout_s: float) -> Ledger:
        """Wait until every plane of this stream is settled, or until time is up; return the account."""
        link, number = self._bind()
        link.outbox.wait_settled(number, timeout_s)
        return link.outbox.ledger(number)

    def close(self, timeout_s: float = 5.0) -> Ledger:
        """Wait at most `timeout_s` for planes on their way and return the account.

        Where no viewer answers, this does not wait. Planes that are still pending then go on being delivered
        until the process ends.
        """
        link, number = self._bind()
        link.wait_settled(number, timeout_s)
        return link.outbox.ledger(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(0.0 if error is not None else 5.0)

    def _queue(self, link: Link, staged: Staged) -> None:
        link.outbox.put(staged, replaces=self.config.when_full is WhenFull.LATEST)
        link.wake()

    def _stage(
        self, link: Link, image: object, shape: tuple[int, ...], dtype: np.dtype[Any], nbytes: int
    ) -> Pixels | DropReason:
        """Copy a plane to where it may wait; return why, where its pixels have to give way."""
        config = self.config
        # What a viewer that is just being started will want is worth the disk.
        room = link.outbox.reserve(nbytes, config.when_full, config.block_timeout_s, may_spill=link.expecting)
        if room is Room.NOWHERE:
            return DropReason.TIMED_OUT if config.when_full is WhenFull.BLOCK else DropReason.NO_ROOM
        if room is Room.ON_DISK:
            return link.staging.copy_to_disk(image, dtype) or DropReason.DISK_FULL
        try:
            return link.staging.copy(image, shape, dtype, nbytes)
        except BaseException:
            link.outbox.unreserve(nbytes)
            raise

    def _bind(self) -> tuple[Link, int]:
        """Return the link and this stream's number in it; a forked child gets a link of its own."""
        bound = self._bound
        if bound is None or bound[0] != os.getpid() or bound[1].closed:
            with links.lock:
                now = self._bound
                bound = self._open() if now is None or now is bound else now
        return bound[1], bound[2]

    def _open(self) -> tuple[int, Link, int]:
        link = links.get(self.port, self.config.budget_mb, self.config.spill_mb)
        self._bound = (os.getpid(), link, link.outbox.open_stream())
        if self._start_viewer:
            # Nobody insists on a port that nobody chose: another user may have it.
            or_next = "napari_port" not in self.config.model_fields_set
            link.start_viewer(
                persistent=self.config.persistent,
                or_next=or_next,
                memory_budget_mb=self.config.memory_budget_mb,
            )
        return self._bound


def send(image: object, *, port: int | None = None, **components: Any) -> None:  # noqa: ANN401 -- see Stream.send
    """Show one image in a napari viewer, which is started where there is none.

    Takes the components of `Stream.send` as keywords; returns as soon as the pixels are copied.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3 | 4)``, of any array library, on any device.
    port
        The viewer's data port; default: 5555, or this user's own pair where another user has that.
    **components
        ``well``, ``site``, ``channel``, ``z_index``, ``timepoint``, ``plate`` and ``kind``, as for
        `Stream.send`.

    Examples
    --------
    ::

        platecast.send(image, well="A01", site=1, channel="DAPI")
    """
    default_stream(port).send(image, **components)


@functools.cache
def process_run() -> str:
    """Return the identifier of this process's run, made when it first sends."""
    return new_run()


def new_run() -> str:
    """Return a new identifier of a run, such as ``2026-03-01T14-05-09-1f3a``; sorts by time."""
    now = datetime.datetime.now(tz=datetime.UTC).astimezone()
    return f"{now:%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(2)}"


@functools.cache
def default_stream(port: int | None) -> Stream:
    """Return this process's own stream to a port."""
    return Stream(port)
