"""What users call: `Stream` and `send`."""

import functools
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from platecast.arrays import as_labels, describe
from platecast.components import Components, Kind
from platecast.errors import InvalidRecordsError, UnsupportedArrayError
from platecast.records import kind_of, label_table, make_records
from platecast.storage import AnyPath, Plate, PlateImage, open_plate
from platecast.stream._plane_stream import PlaneStream
from platecast.stream._plate import PlateProgress, send_images
from platecast.stream._stacks import Channel, planes_of
from platecast.wire import Ledger


class Stream(PlaneStream):
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

    def send(
        self,
        data: object,
        *,
        well: str | None = None,
        site: int | None = None,
        channel: Channel = None,
        z_index: int | None = None,
        timepoint: int | None = None,
        plate: str | None = None,
        kind: Kind | str = Kind.IMAGE,
        axes: str | None = None,
        features: object = None,
        shape_type: str | Sequence[str] = "polygon",
        image_shape: Sequence[int] | None = None,
    ) -> None:
        """Send one plane, a stack of them, or records. All is copied before this returns.

        Parameters
        ----------
        data
            What `kind` says. *image*, *labels*: ``(Y, X)`` or ``(Y, X, 3 | 4)``, of any array library, on any
            device. *points*: (N, 2 | 3), ``[z,] y, x``. *vectors*: (N, 2, 2 | 3), start and direction.
            *tracks*: (N, 4 | 5), ``id, t, [z,] y, x``. *shapes*: a sequence of (N, 2) vertices ``y, x``, each
            with holes where it is a sequence of rings. *table*: columns by name, a data frame or a structured
            array; it becomes the features of the labels, points or shapes at its place, row by row by its
            column ``label`` (or ``index``).
        well, site, channel, z_index, timepoint, plate
            What it is, see `Components`; at least one is given.
        kind
            ``"image"``, ``"labels"``, ``"points"``, ``"shapes"``, ``"tracks"``, ``"vectors"`` or ``"table"``.
        axes
            Of a stack of images or labels that is sent whole, such as ``"zyx"``, ``"cyx"``, ``"tzyx"`` or, of
            RGB, ``"zyxs"``. Its planes count from the `z_index`, `timepoint` and `channel` given, else from
            0; `channel` may be a list of names.
        features
            Columns with one row for each record; of labels, with a column ``label``: they travel as a table.
        shape_type
            Of shapes: ``"polygon"``, ``"rectangle"``, ``"ellipse"``, ``"line"``, ``"path"``, or one for each.
        image_shape
            Y and X of the image that shapes were drawn on; default: that of the image beside them.

        Raises
        ------
        UnsupportedArrayError
            The array is no plane, no such stack, or its dtype cannot be shown without loss.
        InvalidRecordsError
            Records contradict themselves; nothing was sent.
        InvalidComponentsError, InvalidWellError
            The components name no plane.
        """
        wanted = kind_of(kind)
        if axes is None and not (channel is None or isinstance(channel, int | str)):
            raise UnsupportedArrayError(f"channel={channel!r}: several channels need axes, such as 'cyx'")
        given = {
            "plate": self._plate if plate is None else plate,
            "well": well,
            "site": site,
            "channel": channel if isinstance(channel, int | str) else None,
            "z_index": z_index,
            "timepoint": timepoint,
        }
        named = {name: value for name, value in given.items() if value is not None}
        if axes is not None:
            if not wanted.is_pixels or features is not None:
                raise UnsupportedArrayError(
                    f"axes={axes!r} are for stacks of images or labels, without features"
                )
            self._send_stack(data, axes, Components(**named) if named else None, channel, wanted)  # type: ignore[arg-type]  # named by name
            return
        components = Components(**named)  # type: ignore[arg-type]  # named by name
        if wanted.is_pixels:
            if features is not None and wanted is not Kind.LABELS:
                raise InvalidRecordsError("an image has no features: they belong to labels, points and so on")
            table = None if features is None else label_table(features)
            self.send_components(data, components, kind=wanted)
            if table is not None:
                self.send_records(table, components)
            return
        records = make_records(
            data, wanted, features=features, shape_type=shape_type, image_shape=image_shape
        )
        self.send_records(records, components)

    def send_plate(
        self,
        plate: Plate | AnyPath,
        *,
        images: Iterable[PlateImage] | None = None,
        on_progress: Callable[[PlateProgress], None] | None = None,
    ) -> PlateProgress:
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

    def report(self) -> Ledger:
        """Return the account of this stream's planes at this moment."""
        link, number = self._bind()
        return link.outbox.ledger(number)

    def flush(self, timeout_s: float) -> Ledger:
        """Wait until every plane of this stream is settled, or until time is up; return the account."""
        link, number = self._bind()
        link.flush(number, timeout_s)
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

    def _send_stack(
        self, stack: object, axes: str, components: Components | None, channels: Channel, kind: Kind
    ) -> None:
        planes = list(planes_of(stack, axes, components, channels))
        # One is like the others: what is wrong with a stack is said before any of it is sent.
        for plane, _ in planes[: 1 if kind is Kind.IMAGE else None]:
            as_labels(plane) if kind is Kind.LABELS else describe(plane)
        for plane, named in planes:
            self.send_components(plane, named, kind=kind)


def send(data: object, *, port: int | None = None, **options: Any) -> None:  # noqa: ANN401 -- see Stream.send
    """Show an image, a stack, or records in a napari viewer, which is started where there is none.

    Takes the keywords of `Stream.send`; returns as soon as everything is copied.

    Parameters
    ----------
    data
        As for `Stream.send`.
    port
        The viewer's data port; default: 5555, or this user's own pair where another user has that.
    **options
        ``well``, ``site``, ``channel``, ``z_index``, ``timepoint``, ``plate``, ``kind`` and so on, as for
        `Stream.send`.

    Examples
    --------
    ::

        platecast.send(image, well="A01", site=1, channel="DAPI")
        platecast.send(spots, kind="points", well="A01", site=1, features={"brightness": brightness})
    """
    default_stream(port).send(data, **options)


def send_plate(plate: Plate | AnyPath, *, port: int | None = None) -> PlateProgress:
    """Show a plate that rests on disk in a napari viewer, which is started where there is none.

    Parameters
    ----------
    plate
        The plate's folder or OME-Zarr store, or what `open_plate` returned.
    port
        As for `send`.

    Returns
    -------
    PlateProgress
        How many images there are, and which of them failed; see `Stream.send_plate`.

    Examples
    --------
    ::

        platecast.send_plate("plates/2024-10-02")
    """
    return default_stream(port).send_plate(plate)


@functools.cache
def default_stream(port: int | None) -> Stream:
    """Return this process's own stream to a port."""
    return Stream(port)
