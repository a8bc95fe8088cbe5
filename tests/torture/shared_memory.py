"""How much of the machine's shared memory belongs to nobody who lives."""

import os
import time
from pathlib import Path

_BLOCK_BYTES = 512


ALLOWED_KB = 1024
"""Growth that is none: the kernel counts in batches, and one looks while others go on."""


def unowned_kb(tries: int = 5) -> int:
    """Return the machine's shared memory less that which processes hold: what they left behind, and tmpfs.

    Others may use shared memory at the same time, which looks like growth: they are alive, and say what they
    hold. What moves between two of them at that moment is seen nowhere, hence the least of a few looks.
    """
    return min(_shared_memory_kb() - sum(_held_bytes().values()) // 1024 for _ in range(tries))


def grown_kb(before_kb: int, patience_s: float = 5.0) -> int:
    """Return by how much `unowned_kb` has grown; what is only on its way is waited for."""
    deadline = time.monotonic() + patience_s
    while (grown := unowned_kb() - before_kb) > ALLOWED_KB and time.monotonic() < deadline:
        time.sleep(0.05)
    return grown


def _shared_memory_kb() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Shmem:"))


def _held_bytes() -> dict[int, int]:
    """Return the bytes of each piece of anonymous shared memory that a process has open or mapped."""
    held: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while one looks, and those of others cannot be looked into.
        try:
            mapped = (process / "maps").read_text().splitlines()
        except OSError:
            continue
        for line in mapped:
            extent, _, _, _, inode, *name = line.split(maxsplit=5)
            if name and name[0].startswith(("/memfd:", "/SYSV")):
                start, end = (int(edge, 16) for edge in extent.split("-"))
                held.setdefault(int(inode), end - start)
        for link in (process / "fd").glob("*"):
            try:
                if os.readlink(link).startswith("/memfd:"):
                    status = link.stat()
                    held[status.st_ino] = status.st_blocks * _BLOCK_BYTES
            except OSError:
                continue
    return held
