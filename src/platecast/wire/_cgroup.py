"""How much memory this process may use, and to whom it is charged."""

import contextlib
import os
from pathlib import Path

import psutil


def memory_group() -> str:
    """Return the memory cgroup of this process; empty where there is none.

    With the namespace in which its path is to be read: in a container of its own every group is called ``/``.
    """
    try:
        namespace = os.readlink("/proc/self/ns/cgroup")
        return f"{namespace} {_memory_path()}"
    except OSError:
        return ""


def _memory_path() -> str:
    """Return the path of this process's memory cgroup."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as lines:
            groups = [line.rstrip("\n").split(":", 2) for line in lines]
    except OSError:
        return ""
    for _, controllers, path in groups:
        if "memory" in controllers.split(","):
            return path
    return next((path for _, controllers, path in groups if not controllers), "")


def memory_limit_bytes() -> int:
    """Return how much memory this process may use: the machine's, or less where its cgroup says so."""
    limit = psutil.virtual_memory().total
    group = _memory_path().strip("/")
    for root, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        for folder in (Path(root, group), *Path(root, group).parents):
            with contextlib.suppress(OSError, ValueError):  # "max", or a file of the other version
                limit = min(limit, int((folder / file).read_text()))
            if folder == Path(root):
                break
    return limit
