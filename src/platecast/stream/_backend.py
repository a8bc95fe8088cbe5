"""The storage backend that shows what it is given: ``backend="napari_stream"``."""

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from platecast.components import Kind, StepId, parse_name
from platecast.config import NapariStreamingConfig
from platecast.errors import InvalidRecordsError
from platecast.records import kind_of, make_records
from platecast.storage import AnyPath, StreamingBackend
from platecast.stream._stream import Stream


class NapariStreamBackend(StreamingBackend):
    """Streams planes to a napari viewer; what a plane is comes from its path.

    Options of `save_batch`: ``config`` (`NapariStreamingConfig`), ``port``, ``step``, ``plate``, ``run`` as
    for `Stream`, ``kind`` as for `Stream.send`, and ``features``, a sequence with the columns of each of the
    points, shapes, tracks or vectors.
    """

    name: ClassVar[str] = "napari_stream"

    def __init__(self) -> None:
        self._streams: dict[object, Stream] = {}

    def save_batch(self, data: Sequence[object], paths: Sequence[AnyPath], **options: Any) -> None:  # noqa: ANN401
        """Send several planes; returns when their pixels are copied.

        Parameters
        ----------
        data
            Planes, ``(Y, X)`` or ``(Y, X, 3 | 4)``, or what else `kind` says.
        paths
            As many names that `parse_name` reads.
        **options
            See the class.

        Raises
        ------
        UnrecognizedNameError
            A path does not say what the plane is; nothing of the batch is sent then.
        UnsupportedArrayError
            An array is no plane.
        InvalidRecordsError
            Records contradict themselves; nothing of the batch is sent then.
        """
        kind = kind_of(options.pop("kind", Kind.IMAGE))
        features = options.pop("features", None)
        stream = self._stream(**options)
        names = [parse_name(os.fspath(path)) for path in paths]
        if kind.is_pixels and features is None:
            for plane, components in zip(data, names, strict=True):
                stream.send_components(plane, components, kind=kind)
            return
        if kind.is_pixels:
            raise InvalidRecordsError(f"{kind} have no features of their own: save them with kind='table'")
        columns = [None] * len(names) if features is None else features
        batch = [make_records(each, kind, features=own) for each, own in zip(data, columns, strict=True)]
        for records, components in zip(batch, names, strict=True):
            stream.send_records(records, components)

    def close(self) -> None:
        """Wait, a bounded time, for planes on their way."""
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.close()

    def _stream(
        self,
        config: NapariStreamingConfig | None = None,
        port: int | None = None,
        step: tuple[int, str] | StepId | None = None,
        plate: str | None = None,
        run: str | None = None,
    ) -> Stream:
        key = (config, port, step, plate, run)
        if key not in self._streams:
            self._streams[key] = Stream(port, step=step, plate=plate, run=run, config=config)
        return self._streams[key]
