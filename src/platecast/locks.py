"""Locks between processes that the system lets go of when their holder dies."""

import os
import sys
from pathlib import Path


def open_folder_lock(folder: Path) -> int:
    """Return a descriptor by which `lock` locks a folder; the caller closes it, which also lets go.

    Where a folder itself cannot be opened (Windows) it is that of a file in it.
    """
    if sys.platform == "win32":
        return os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    return os.open(folder, os.O_RDONLY)


def lock(descriptor: int, *, waits: bool = True) -> None:
    """Lock an open file for this descriptor alone, until it is closed.

    Parameters
    ----------
    descriptor
        Of a file, or from `open_folder_lock`.
    waits
        Whether to wait for another holder.

    Raises
    ------
    BlockingIOError
        Somebody else holds it (on Windows also after ten seconds of waiting).
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, "another process holds the lock") from error
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
