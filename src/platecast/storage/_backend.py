"""What every storage backend can do, and how a backend gets its name."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from platecast.errors import StorageError

AnyPath: TypeAlias = str | os.PathLike[str]
Header: TypeAlias = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and dtype of a plane."""


class StorageBackend(ABC):
    """A place where planes rest.

    A subclass that sets `name` is registered under it when it is defined, and is then found by
    `FileManager`. To be found before it is imported, it names itself in the entry-point group
    ``platecast.backends``. An instance may be used from several threads.
    """

    name: ClassVar[str] = ""
    """The name under which `FileManager` finds the backend; empty for a class that is only a base."""
    _classes: ClassVar[dict[str, type["StorageBackend"]]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__dict__.get("name", "")
        if not name:
            return
        owner = StorageBackend._classes.setdefault(name, cls)
        # A module that is reloaded defines its class again, which is no conflict.
        if (owner.__module__, owner.__qualname__) != (cls.__module__, cls.__qualname__):
            raise StorageError(
                f"a backend named {name!r} exists already: {owner.__module__}.{owner.__qualname__}"
            )
        StorageBackend._classes[name] = cls

    @staticmethod
    def registered() -> Mapping[str, type["StorageBackend"]]:
        """Return the backends whose classes have been defined, by name."""
        return MappingProxyType(StorageBackend._classes)

    @abstractmethod
    def save(self, data: object, path: AnyPath) -> None:
        """Write one plane, replacing what was there; readers see the old or the new one, never a part.

        Parameters
        ----------
        data
            ``(Y, X)`` or ``(Y, X, 3 | 4)``, an array on any device.
        path
            Where it rests.

        Raises
        ------
        UnsupportedArrayError
            `data` is no plane.
        StorageError
            It could not be written.
        """

    @abstractmethod
    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Return the plane that rests under `path`; the array belongs to the caller.

        Raises
        ------
        ImageNotFoundError
            There is none.
        StorageError
            It could not be read.
        """

    @abstractmethod
    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Return the sorted paths of all images in a folder and below; empty where there is no folder."""

    @abstractmethod
    def exists(self, path: AnyPath) -> bool:
        """Return whether an image rests under `path`."""

    @abstractmethod
    def delete(self, path: AnyPath) -> None:
        """Remove the image under `path`.

        Raises
        ------
        ImageNotFoundError
            There is none.
        """

    def header(self, path: AnyPath) -> Header:
        """Return shape and dtype of a plane as `load` would return it, with as little reading as that takes.

        Raises
        ------
        StorageError
            There is no such plane, or it is seen to be damaged or incomplete.
        """
        plane = self.load(path)
        return plane.shape, plane.dtype

    def load_small(self, path: AnyPath, side_px: int) -> npt.NDArray[Any]:
        """Return a plane at the lowest resolution that is at hand and has enough pixels for a small picture.

        Parameters
        ----------
        path
            Where the plane rests.
        side_px
            How long its shorter side is at least, unless the plane itself is smaller.

        Raises
        ------
        ImageNotFoundError, StorageError
            As for `load`.
        """
        return self.load(path)

    def save_batch(self, data: Sequence[object], paths: Sequence[AnyPath], **options: object) -> None:
        """Write several planes; a backend that takes no options refuses them."""
        if options:
            raise TypeError(f"the backend {self.name!r} takes no option named {', '.join(sorted(options))}")
        for plane, path in zip(data, paths, strict=True):
            self.save(plane, path)

    def load_batch(self, paths: Sequence[AnyPath]) -> tuple[npt.NDArray[Any], ...]:
        """Return the planes that rest under several paths, in their order."""
        return tuple(self.load(path) for path in paths)

    def close(self) -> None:
        """Release what the backend holds; nothing by default, and harmless when called again."""
        return


class StreamingBackend(StorageBackend):
    """A backend that hands planes on and keeps none: it can be written to and nothing else."""

    @abstractmethod
    def save_batch(self, data: Sequence[object], paths: Sequence[AnyPath], **options: object) -> None:
        """Hand several planes on; `options` are the backend's own."""

    def save(self, data: object, path: AnyPath) -> None:
        """Hand one plane on."""
        self.save_batch([data], [path])

    def load(self, path: AnyPath) -> npt.NDArray[Any]:
        """Raise `StorageError`: there is nothing to read."""
        self._refuse("read", path)

    def list(self, folder: AnyPath) -> tuple[str, ...]:
        """Raise `StorageError`: there is nothing to list."""
        self._refuse("list", folder)

    def exists(self, path: AnyPath) -> bool:
        """Raise `StorageError`: nothing is kept that could be asked for."""
        self._refuse("find", path)

    def delete(self, path: AnyPath) -> None:
        """Raise `StorageError`: there is nothing to delete."""
        self._refuse("delete", path)

    def _refuse(self, verb: str, path: AnyPath) -> NoReturn:
        raise StorageError(
            f"cannot {verb} {os.fspath(path)!r}: the backend {self.name!r} hands images on and keeps none"
        )
