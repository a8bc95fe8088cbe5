"""What users call: `Stream` and `send`."""

import datetime
import functools
import os
import secrets
import sys
from types import TracebackType
from typing import Any, Self

import numpy as np

from platecast.arrays import as_labels, copy_into, describe, to_host
from platecast.components import Components, Kind, PlaneId, PlateLayout, StepId
from platecast.config import DEFAULT_PORT, NapariStreamingConfig
from platecast.errors import UnsupportedArrayError
from platecast.stream._link import Link
from platecast.stream._links import links
from platecast.stream._outbox import Pixels, Staged
from platecast.wire import AVAILABLE, Ledger, Segment, SegmentPool

_INLINE_BYTES = 256 * 1024
"""Planes below this travel inside messages: passing a descriptor would cost more than the copy."""
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
            Where the plane rests, as ``backend:path``.
        """
        if kind not in _KINDS:
            raise UnsupportedArrayError(f"kind {kind.value!r} cannot be sent yet: use 'image' or 'labels'")
        if kind is Kind.LABELS:
            image = as_labels(image)
        shape, dtype = describe(image)
        nbytes = int(np.prod(shape)) * dtype.itemsize
        link, number = self._bind()
        if not link.outbox.reserve(nbytes, self.config.when_full, self.config.block_timeout_s):
            link.outbox.drop(number)
            return
        try:
            pixels = _copy(image, shape, dtype, nbytes, link.pool)
        except BaseException:
            link.outbox.unreserve(nbytes)
            raise
        plane = PlaneId(components=components, run=self.run, step=step or self._step, kind=kind)
        link.outbox.put(Staged(number, plane, self._display, shape, dtype.str, nbytes, pixels, address))
        link.wake()

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

        Planes that are still pending then go on being delivered until the process ends.
        """
        link, _ = self._bind()
        if not link.hopeful:
            timeout_s = 0.0
        return self.flush(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(0.0 if error is not None else 5.0)

    def _bind(self) -> tuple[Link, int]:
        """Return the link and this stream's number in it; a forked child gets a link of its own."""
        bound = self._bound
        if bound is None or bound[0] != os.getpid() or bound[1].closed:
            with links.lock:
                now = self._bound
                bound = self._open() if now is None or now is bound else now
        return bound[1], bound[2]

    def _open(self) -> tuple[int, Link, int]:
        link = links.get(self.port, self.config.budget_mb)
        self._bound = (os.getpid(), link, link.outbox.open_stream())
        if self._start_viewer:
            link.start_viewer(persistent=self.config.persistent)
        return self._bound


def send(image: object, *, port: int = DEFAULT_PORT, **components: Any) -> None:  # noqa: ANN401 -- see Stream.send
    """Show one image in the napari viewer on `port`, which is started where there is none.

    Takes the components of `Stream.send` as keywords; returns as soon as the pixels are copied.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3 | 4)``, of any array library, on any device.
    port
        The viewer's data port.
    **components
        ``well``, ``site``, ``channel``, ``z_index``, ``timepoint``, ``plate`` and ``kind``, as for
        `Stream.send`.

    Examples
    --------
    ::

        platecast.send(image, well="A01", site=1, channel="DAPI")
    """
    _default_stream(port).send(image, **components)


@functools.cache
def process_run() -> str:
    """Return the identifier of this process's run, made when it first sends."""
    return new_run()


def new_run() -> str:
    """Return a new identifier of a run, such as ``2026-03-01T14-05-09-1f3a``; sorts by time."""
    now = datetime.datetime.now(tz=datetime.UTC).astimezone()
    return f"{now:%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(2)}"


@functools.cache
def _default_stream(port: int) -> Stream:
    return Stream(port)


def _copy(
    image: object, shape: tuple[int, ...], dtype: np.dtype[Any], nbytes: int, pool: SegmentPool
) -> Pixels:
    """Copy an array once, into plane memory where that pays."""
    segment = _segment(nbytes, pool) if AVAILABLE and nbytes >= _INLINE_BYTES else None
    if segment is None:
        return to_host(image).astype(dtype, copy=False).tobytes()
    try:
        if isinstance(image, np.ndarray) and image.dtype == dtype and image.flags.c_contiguous:
            segment.write(image)
        else:
            copy_into(image, segment.view()[:nbytes].view(dtype).reshape(shape))
    except BaseException:
        segment.close()
        raise
    return segment


def _segment(nbytes: int, pool: SegmentPool) -> Segment | None:
    """Return plane memory, or `None` where there is none, or no descriptor that the process can spare."""
    try:
        segment = pool.take(nbytes)
    except OSError:
        return None
    # The kernel gives the lowest free number: this one says how many are in use.
    if segment.fd >= _spare_descriptors():
        segment.close()
        return None
    return segment


def _spare_descriptors() -> int:
    """Return how many descriptors the process may have in use before planes need none of their own."""
    import resource  # there is none on Windows, where no plane has a descriptor

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit // 2
