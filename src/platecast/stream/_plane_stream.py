"""Planes whose components are known already, from a caller to the link that sends them."""

import datetime
import functools
import math
import os
import secrets
from typing import Any

import numpy as np
import numpy.typing as npt

from platecast.arrays import as_labels, describe
from platecast.components import Components, Kind, PlaneId, PlateLayout, StepId
from platecast.config import NapariPolygons, NapariStreamingConfig, WhenFull, with_place
from platecast.errors import UnsupportedArrayError
from platecast.records import Records, check_paintable
from platecast.stream._link import Link
from platecast.stream._links import links
from platecast.stream._lost import Lost
from platecast.stream._staged import Pixels, Room, Staged
from platecast.wire import (
    MAX_PLANE_BYTES,
    MAX_REASON_LENGTH,
    DropReason,
    Pairing,
    find_pairing,
    pack_records,
)


class PlaneStream:
    """The part of a `Stream` that copies planes, one by one, and queues them; see there."""

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
        chosen = with_place(chosen, os.environ)
        self.config = chosen
        self.port = chosen.napari_port
        self.run = process_run() if run is None else run
        self._step = step if isinstance(step, StepId | None) else StepId(*step)
        self._plate = plate
        self._display = chosen.display()
        self._start_viewer = start_viewer
        self._pairing = pairing_of(chosen)
        self._bound: tuple[int, Link, int] | None = None
        # Here rather than with the first plane: opening a link costs milliseconds.
        self._bind()

    def announce(self, layout: PlateLayout) -> None:
        """Say what a plate holds before its images are there, so that the viewer's sliders are complete."""
        self._bind()[0].announce(layout)

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
            ``(Y, X)`` or ``(Y, X, 3 | 4)``, of any array library, on any device.
        components
            What the plane is.
        kind
            What its values mean: images or labels.
        step
            The step that made it; default: the stream's own.
        address
            Where the plane rests, as ``backend:path``. Where pixels have to give way, the viewer is told of
            such a plane all the same, and reads it when it is looked at.
        """
        if not kind.is_pixels:
            raise UnsupportedArrayError(f"kind {kind.value!r} has no pixels: use send or send_records")
        if kind is Kind.LABELS:
            image = as_labels(image)
        shape, dtype = describe(image)
        plane = PlaneId(components=components, run=self.run, step=step or self._step, kind=kind)
        self._offer(plane, image, shape, dtype, address)

    def send_records(self, records: Records, components: Components, *, step: StepId | None = None) -> None:
        """Send points, shapes, tracks, vectors or a table whose components are known already.

        Parameters
        ----------
        records
            What `make_records` returned.
        components
            Where they belong.
        step
            The step that made them; default: the stream's own.

        Raises
        ------
        InvalidRecordsError
            Shapes cannot be painted into labels, which is what the stream's `config` says; or there are too
            many columns.
        """
        if records.kind is Kind.SHAPES and self.config.polygons is NapariPolygons.LABELS:
            check_paintable(records)
        packed = pack_records(records)
        plane = PlaneId(components=components, run=self.run, step=step or self._step, kind=records.kind)
        # One row: memory for planes takes planes.
        self._offer(plane, packed.reshape(1, -1), packed.shape, packed.dtype)

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

    def _offer(
        self,
        plane: PlaneId,
        pixels: object,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        address: str | None = None,
    ) -> None:
        """Copy what is sent to where it may wait, and queue it."""
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes > MAX_PLANE_BYTES:
            raise UnsupportedArrayError(f"a plane of {nbytes} bytes: at most {MAX_PLANE_BYTES} can be sent")
        link, number = self._bind()
        staged_pixels = self._stage(link, pixels, shape, dtype, nbytes)
        if isinstance(staged_pixels, DropReason) and address is None:
            link.outbox.drop(number, Lost(plane, self._display, staged_pixels))
            return
        kept = None if isinstance(staged_pixels, DropReason) else staged_pixels
        staged = Staged(number, plane, self._display, shape, dtype.str, nbytes, kept, address)
        self._queue(link, staged)

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
        link = links.get(self.port, self.config.budget_mb, self.config.spill_mb, self._pairing)
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


def pairing_of(config: NapariStreamingConfig) -> Pairing | None:
    """Return how to reach the viewer that a configuration names, `None` where that is on this machine.

    Raises
    ------
    PairingError
        This user has no pairing with that viewer.
    """
    if config.is_local:
        return None
    return find_pairing(config.napari_host, config.napari_port, config.napari_pairing_file)


@functools.cache
def process_run() -> str:
    """Return the identifier of this process's run, made when it first sends."""
    return new_run()


def new_run() -> str:
    """Return a new identifier of a run, such as ``2026-03-01T14-05-09-1f3a``; sorts by time."""
    now = datetime.datetime.now(tz=datetime.UTC).astimezone()
    return f"{now:%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(2)}"
