"""Whether pixels can pass as memory, and how much of everything there is."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from platecast.errors import ConfigError
from platecast.manager._doctor._finding import Finding, error, ok, warning
from platecast.wire import (
    MEMORY_VARIABLE,
    MemoryKind,
    PlaneMemory,
    memory_kind,
    memory_limit_bytes,
    page_rounded,
)

_TRIAL_BYTES = 8 << 20
_LEAST_MEMORY_BYTES = 2 << 30
_LEAST_DESCRIPTORS = 1024
_USUAL_MAPPINGS = 65530
_ADVICE = {
    MemoryKind.MEMFD: "allow memfd_create (seccomp of the container), and large files (ulimit -f unlimited)",
    MemoryKind.NAMED: "make /dev/shm larger (docker run --shm-size), or unset PLATECAST_MEMORY",
}
_INLINE = "pixels travel inside messages, at about half the speed"


def look_at_memory() -> Iterator[Finding]:
    """Look at anonymous memory, and at the limits of this process."""
    yield _shared_memory()
    limit = memory_limit_bytes()
    if limit < _LEAST_MEMORY_BYTES:
        advice = "give the container or the session more memory"
        yield warning("memory", f"{limit / 1e9:.1f} GB for everything: a viewer alone needs 0.5 GB", advice)
    else:
        yield ok("memory", f"{limit / 1e9:.1f} GB")
    if sys.platform == "linux":
        yield from _limits()


def _shared_memory() -> Finding:
    try:
        kind = memory_kind()
    except ConfigError as problem:
        return error("shared memory", str(problem), f"unset {MEMORY_VARIABLE}")
    if kind is MemoryKind.INLINE:
        return ok("shared memory", f"none: {_INLINE}")
    memory = PlaneMemory(kind)
    try:
        segment = memory.segment(page_rounded(_TRIAL_BYTES))
        try:
            segment.write(np.zeros(_TRIAL_BYTES, np.uint8))
        finally:
            segment.close()
    except OSError as problem:
        return error("shared memory", f"{kind} memory cannot be used: {problem}", _ADVICE[kind])
    finally:
        memory.close()
    return ok("shared memory", f"{kind}: a trial of {_TRIAL_BYTES >> 20} MiB passed")


def _limits() -> Iterator[Finding]:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _LEAST_DESCRIPTORS:
        what = f"{hard} a process: with many planes on their way, {_INLINE}"
        yield warning("descriptors", what, f"ulimit -Hn {_LEAST_DESCRIPTORS} or more")
    else:
        yield ok("descriptors", "unlimited" if hard == resource.RLIM_INFINITY else f"{hard} a process")
    try:
        mappings = int(Path("/proc/sys/vm/max_map_count").read_text())
    except (OSError, ValueError):
        return
    if mappings < _USUAL_MAPPINGS:
        what = f"{mappings} a process: a viewer that keeps more planes copies them"
        yield warning("mappings", what, f"sysctl vm.max_map_count={_USUAL_MAPPINGS}")
