"""The storage backend that shows what it is given: ``backend="napari_stream"``."""

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from platecast.components import Kind, StepId, parse_name
from platecast.config import NapariStreamingConfig
from platecast.storage import AnyPath, StreamingBackend
from platecast.stream._stream import Stream


class NapariStreamBackend(StreamingBackend):
    """Streams planes to a napari viewer; what a plane is comes from its path.

    Options of `save_batch`: ``config`` (`NapariStreamingConfig`), ``port``, ``step``, ``plate``, ``run`` as
    for `Stream`, and ``kind`` as for `Stream.send`.
    """

    name: ClassVar[str] = "napari_stream"

    def __init__(self) -> None:
        self._streams: dict[object, Stream] = {}

    def save_batch(self, data: Sequence[object], paths: Sequence[AnyPath], **options: Any) -> None:  # noqa: ANN401
        """Send several planes; returns when their pixels are copied.

        Parameters
        ----------
        data
            Planes, ``(Y, X)`` or ``(Y, X, 3 | 4)``.
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
        """
        kind = Kind(options.pop("kind", Kind.IMAGE))
        stream = self._stream(**options)
        names = [parse_name(os.fspath(path)) for path in paths]
        for plane, components in zip(data, names, strict=True):
            stream.send_components(plane, components, kind=kind)

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
