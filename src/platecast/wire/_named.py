"""Shared memory with names, for systems that pass no descriptors.

A name can outlive its owner. So every process notes the names it gives in a register, a file in the runtime
folder, *before* it gives them; whoever finds a register whose process is gone removes the blocks
(`remove_stale_blocks`). Only the sender that made a block, or such a finder, ever unlinks it: a viewer that
attaches does not, nor does Python's resource tracker in its name. On Windows a block ends with its last user.
"""

import functools
import logging
import mmap
import os
import re
import secrets
import sys
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path

import msgspec
import numpy as np

from platecast.errors import ProtocolError
from platecast.wire._endpoint import process_start_time, runtime_dir, write_whole
from platecast.wire._segment import Bytes, Segment, lasting_array

_log = logging.getLogger(__name__)

_PREFIX = re.compile(r"pc[0-9a-f]{8}")
_NAME = re.compile(r"pc[0-9a-f]{8}_[0-9]{1,9}")
"""Short, because macOS allows 31 characters; the viewer opens no other."""
_REGISTERED_AHEAD = 64
_SUFFIX = ".blocks"


class _Register(msgspec.Struct, frozen=True):
    """The file that says whose blocks there are: ``PREFIX_1`` to ``PREFIX_COUNT``."""

    pid: int
    start_time: float
    prefix: str
    count: int


class _Block(shared_memory.SharedMemory):
    """A block whose end is not the resource tracker's business.

    The tracker would unlink, when a viewer exits, what its senders still use; up to Python 3.12 attaching
    registers with it all the same.
    """

    def __init__(self, name: str, *, create: bool = False, size: int = 0) -> None:
        if sys.version_info >= (3, 13):
            super().__init__(name, create, size, track=False)
        else:
            super().__init__(name, create, size)
            self._track(resource_tracker.unregister)

    @property
    def descriptor(self) -> int:
        """Its descriptor, -1 where blocks have none."""
        fd: int = getattr(self, "_fd", -1)
        return fd

    def unlink(self) -> None:
        """Take the block's name away, if it still has one."""
        if sys.version_info < (3, 13):
            self._track(resource_tracker.register)
        try:
            super().unlink()
        except FileNotFoundError:
            if sys.version_info < (3, 13):
                self._track(resource_tracker.unregister)

    def array(self, nbytes: int, release: Callable[[], None]) -> Bytes:
        """Return the first bytes; the mapping lives as long as they do."""
        buffer = self.buf
        if buffer is None:
            raise OSError(f"the block {self.name} is closed")
        address = np.frombuffer(buffer, np.uint8).ctypes.data
        return lasting_array(address, nbytes, functools.partial(_end, self, release))

    def _track(self, change: Callable[[str, str], None]) -> None:
        if sys.platform != "win32":
            change(self._name, "shared_memory")  # type: ignore[attr-defined]


def _end(block: _Block, release: Callable[[], None]) -> None:
    block.close()
    release()


class NamedSegment(Segment):
    """A block of named shared memory.

    Parameters
    ----------
    name
        Its name, noted in a register already.
    capacity
        Size in bytes, whole pages.

    Raises
    ------
    OSError
        No descriptor or no memory is left, or the name is taken.
    """

    __slots__ = ("_block", "name")

    def __init__(self, name: str, capacity: int) -> None:
        super().__init__(capacity)
        self.name = name
        self._block: _Block | None = _Block(name, create=True, size=capacity)
        try:
            if hasattr(os, "posix_fallocate"):
                # Writing to a full /dev/shm would be a SIGBUS.
                os.posix_fallocate(self._block.descriptor, 0, capacity)
        except OSError:
            self.close()
            raise

    @property
    def descriptor(self) -> int:
        """Its descriptor, -1 where it has none."""
        return -1 if self._block is None else self._block.descriptor

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._block is None

    def allocate(self) -> None:
        """Map it and touch every page: it has no other way to be written."""
        self.prepare()

    def prepare(self) -> Bytes:
        """Map it and touch every page."""
        if self._block is None:
            raise OSError(f"the block {self.name} is closed")
        self._view = self._block.array(self.capacity, _nothing)
        self._view[:: mmap.PAGESIZE] = 0
        return self._view

    def close(self) -> None:
        """Take its name away and give up the mapping."""
        block, self._block = self._block, None
        if block is None:
            return
        block.unlink()
        if self._view is None:
            block.close()
        self._view = None


class PassedBlock:
    """A block that a sender named over the control channel, opened at once.

    Parameters
    ----------
    name
        Its name.
    size
        How large its sender says that it is.

    Raises
    ------
    ProtocolError
        There is no such block, it is smaller, or the name is none that senders give.
    """

    __slots__ = ("_block",)

    def __init__(self, name: str, size: int) -> None:
        if not _NAME.fullmatch(name):
            raise ProtocolError(f"{name[:40]!r} is no name of a block of plane memory")
        try:
            self._block: _Block | None = _Block(name)
        except (OSError, ValueError) as error:
            raise ProtocolError(f"block {name} cannot be opened: {error}") from error
        if self._block.size < size:
            held = self._block.size
            self.close()
            raise ProtocolError(f"block {name} of {held} bytes is smaller than the {size} that were said")

    def map(self, nbytes: int, on_release: Callable[[], None] | None = None) -> Bytes:
        """Return the first bytes, read-only; may be called once."""
        block, self._block = self._block, None
        if block is None:
            raise ProtocolError("a block can be mapped once")
        if block.size < nbytes:
            held = block.size
            block.close()
            raise ProtocolError(f"a segment of {held} bytes does not hold {nbytes}")
        view = block.array(nbytes, on_release or _nothing)
        view.flags.writeable = False
        return view

    def copy(self, nbytes: int, offset: int = 0) -> Bytes:
        """Return a copy of part of it; it cannot be mapped afterwards."""
        return self.map(offset + nbytes)[offset:].copy()

    def close(self) -> None:
        """Let go of it, if it was not mapped."""
        if self._block is not None:
            self._block.close()
            self._block = None


class NamedBlocks:
    """Gives the blocks of one sender their names, each of which is registered before; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prefix = f"pc{secrets.token_hex(4)}"
        self._path: Path | None = None
        self._count = 0
        self._registered = 0

    def segment(self, capacity: int) -> NamedSegment:
        """Return a new segment; raises `OSError` when none can be made."""
        with self._lock:
            if self._count == self._registered:
                self._register()
            self._count += 1
            name = f"{self._prefix}_{self._count}"
        return NamedSegment(name, capacity)

    def close(self) -> None:
        """Remove the register, once every segment is closed."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _register(self) -> None:
        if self._path is None:
            remove_stale_blocks()
        self._path = runtime_dir() / f"{self._prefix}{_SUFFIX}"
        self._registered += _REGISTERED_AHEAD
        started = process_start_time(os.getpid()) or 0.0
        register = _Register(os.getpid(), started, self._prefix, self._registered)
        write_whole(self._path, msgspec.json.encode(register))


def remove_stale_blocks() -> int:
    """Remove the blocks of this user's processes that are gone; return how many there were."""
    removed = 0
    for path in runtime_dir().glob(f"*{_SUFFIX}"):
        try:
            register = msgspec.json.decode(path.read_bytes(), type=_Register)
        except FileNotFoundError:
            continue
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.warning("cannot read %s: %s; remove it", path, error)
            continue
        if process_start_time(register.pid) == register.start_time or not _PREFIX.fullmatch(register.prefix):
            continue
        removed += sum(_remove(f"{register.prefix}_{n}") for n in range(1, register.count + 1))
        path.unlink(missing_ok=True)
    if removed:
        _log.info("removed %d blocks of shared memory that killed processes had left", removed)
    return removed


def _remove(name: str) -> bool:
    try:
        block = _Block(name)
    except OSError:
        return False
    block.unlink()
    block.close()
    return True


def _nothing() -> None:
    """Do nothing when a mapping ends."""
