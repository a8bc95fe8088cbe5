"""One door to all backends: finds a backend by its name and keeps one instance of each."""

import threading
from collections.abc import Sequence
from importlib.metadata import entry_points
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt

from platecast.errors import StorageError, UnknownBackendError
from platecast.storage._backend import AnyPath, Header, StorageBackend

ENTRY_POINT_GROUP = "platecast.backends"


class FileManager:
    """Saves and loads planes through backends that are chosen by name.

    A backend's instance is made when it is first used and lives as long as the file manager, so what
    was saved in ``memory`` can be loaded there. May be used from several threads, and as a context
    manager that closes the backends.

    Parameters
    ----------
    *backends
        Instances to use under their names, such as ``DiskBackend(compressed=True)``; every other
        backend is made without arguments.

    Examples
    --------
    >>> import numpy as np
    >>> files = FileManager()
    >>> files.save(np.ones((2, 3), "uint16"), "well-A01.tif", "memory")
    >>> files.list(".", "memory")
    ('well-A01.tif',)
    """

    def __init__(self, *backends: StorageBackend) -> None:
        self._backends = {backend.name: backend for backend in backends}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def backend(self, name: str) -> StorageBackend:
        """Return this file manager's instance of a backend.

        Raises
        ------
        UnknownBackendError
            No backend has this name; the message lists those there are.
        """
        with self._lock:
            if name not in self._backends:
                self._backends[name] = _find_class(name)()
            return self._backends[name]

    def save(self, data: object, path: AnyPath, backend: str) -> None:
        """Save one plane, see `StorageBackend.save`."""
        self.backend(backend).save(data, path)

    def load(self, path: AnyPath, backend: str) -> npt.NDArray[Any]:
        """Load one plane, see `StorageBackend.load`."""
        return self.backend(backend).load(path)

    def load_small(self, path: AnyPath, backend: str, side_px: int) -> npt.NDArray[Any]:
        """Load one plane at a low resolution, see `StorageBackend.load_small`."""
        return self.backend(backend).load_small(path, side_px)

    def header(self, path: AnyPath, backend: str) -> Header:
        """Return shape and dtype of one plane, see `StorageBackend.header`."""
        return self.backend(backend).header(path)

    def exists(self, path: AnyPath, backend: str) -> bool:
        """Return whether an image rests under `path`."""
        return self.backend(backend).exists(path)

    def delete(self, path: AnyPath, backend: str) -> None:
        """Delete one image, see `StorageBackend.delete`."""
        self.backend(backend).delete(path)

    def list(self, folder: AnyPath, backend: str) -> tuple[str, ...]:
        """Return the sorted paths of all images in a folder and below."""
        return self.backend(backend).list(folder)

    def save_batch(
        self, data: Sequence[object], paths: Sequence[AnyPath], backend: str, **options: object
    ) -> None:
        """Save several planes.

        Parameters
        ----------
        data
            Planes, each ``(Y, X)`` or ``(Y, X, 3 | 4)``, on any device.
        paths
            Where each one rests; as many as planes.
        backend
            Name of the backend, such as ``disk`` or ``napari_stream``.
        **options
            The backend's own options.

        Raises
        ------
        ValueError
            There are more planes than paths, or fewer; nothing is saved then.
        """
        if len(data) != len(paths):
            raise ValueError(f"{len(data)} images cannot be saved under {len(paths)} paths")
        self.backend(backend).save_batch(data, paths, **options)

    def load_batch(self, paths: Sequence[AnyPath], backend: str) -> tuple[npt.NDArray[Any], ...]:
        """Load several planes, in the order of their paths."""
        return self.backend(backend).load_batch(paths)

    def close(self) -> None:
        """Close all backends that were used; a backend used afterwards is made anew."""
        with self._lock:
            backends, self._backends = self._backends, {}
        for backend in backends.values():
            backend.close()


def _find_class(name: str) -> type[StorageBackend]:
    registered = StorageBackend.registered()
    if name in registered:
        return registered[name]
    found = entry_points(group=ENTRY_POINT_GROUP)
    if name not in found.names:
        known = ", ".join(sorted({*registered, *found.names}))
        raise UnknownBackendError(f"no storage backend is named {name!r}: known are {known}")
    loaded = found[name].load()
    if not (isinstance(loaded, type) and issubclass(loaded, StorageBackend)):
        raise StorageError(f"the entry point {found[name].value!r} of backend {name!r} is no StorageBackend")
    return loaded
