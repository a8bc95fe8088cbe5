"""Who can process the wells, and how many at once."""

import importlib.util
import multiprocessing
import os
import pickle
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import psutil

from platecast.config import CONTROL_PORT_OFFSET, LOOPBACK_NAMES, NapariStreamingConfig
from platecast.errors import PairingError, PortInUseError, StorageError
from platecast.manager import find_viewer
from platecast.pipeline._fingerprint import unwrap
from platecast.pipeline._groups import group_images
from platecast.pipeline._steps import Pipeline
from platecast.storage import Plate
from platecast.wire import check_ports, find_pairing, memory_limit_bytes

EXECUTORS = ("serial", "processes", "dask")

_PROCESS_MB = 250.0
"""What a worker needs before it has an image: the interpreter, NumPy, SciPy, the stream."""
_COPIES = 4.0
"""How many times its group of planes a step may hold: input, result, and what it needs on the way."""
_MEMORY_SHARE = 0.8
_ANSWER_TIMEOUT_S = 2.0


def worker_problems(pipeline: Pipeline, workers: object, executor: object) -> Iterator[str]:
    """Yield why wells cannot be processed like this."""
    if not isinstance(workers, int) or workers < 1:
        yield f"workers={workers!r}: a whole number is needed, and at least one"
        return
    if isinstance(executor, str) and executor not in EXECUTORS and "://" not in executor:
        known = ", ".join(EXECUTORS)
        yield f"executor={executor!r} is not known: choose from {known}, or give a scheduler's address"
    elif executor not in ("serial", "processes") and importlib.util.find_spec("distributed") is None:
        yield f"executor={executor!r} needs distributed: pip install 'platecast[dask]'"
    elif isinstance(executor, str) and "://" in executor:
        yield from _scheduler_problems(executor)
    if executor == "serial" and workers > 1:
        yield f"executor='serial' has one worker, not {workers}"
    if executor == "processes":
        yield from _process_problems(pipeline)


def _process_problems(pipeline: Pipeline) -> Iterator[str]:
    """Yield what processes that are started anew could not import, or be handed."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # The start of a worker imports the script, and would run it.
        yield (
            "run() is called while a worker process imports the script:"
            " call it under if __name__ == '__main__'"
        )
    main = getattr(sys.modules["__main__"], "__file__", None)
    if main is not None and not os.path.isfile(main):
        yield f"worker processes cannot import {main}: write the script to a file, or take executor='serial'"
        return
    for step in pipeline.steps:
        plain = unwrap(step.func)
        name = getattr(plain, "__qualname__", type(plain).__name__)
        is_in_session = main is None and getattr(plain, "__module__", None) == "__main__"
        if is_in_session or not _can_pickle(step.func):
            where = "was written in a session" if is_in_session else "is not at the top of a module"
            yield (
                f"step {step.name!r}: worker processes cannot import {name!r}, which {where}:"
                " move it to the top of a module, or take executor='serial' or 'dask'"
            )
        for parameter, value in step.params.items():
            if not _can_pickle(value):
                yield (
                    f"step {step.name!r}: worker processes cannot be handed {parameter!r},"
                    f" a {type(value).__name__}: make it in the function, or take executor='serial'"
                )


def _can_pickle(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # whatever a value's own way of being pickled raises
        return False
    return True


def _scheduler_problems(address: str) -> Iterator[str]:
    place = urlsplit(address)
    try:
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=_ANSWER_TIMEOUT_S):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        yield f"no Dask scheduler can be reached at {address}: {reason}"


def viewer_problems(configs: Sequence[NapariStreamingConfig]) -> Iterator[str]:
    """Yield which viewers can neither be reached nor started."""
    for host, port, chosen in sorted(
        {(each.napari_host, each.napari_port, "napari_port" in each.model_fields_set) for each in configs}
    ):
        if host not in LOOPBACK_NAMES:
            yield from _pairing_problems(configs, host, port)
            try:
                with socket.create_connection((host, port + CONTROL_PORT_OFFSET), timeout=_ANSWER_TIMEOUT_S):
                    pass
            except OSError as error:
                reason = error.strerror or error
                yield f"no viewer can be reached on {host}, port {port + CONTROL_PORT_OFFSET}: {reason}"
        elif chosen:
            yield from _port_problems(port)


def _pairing_problems(configs: Sequence[NapariStreamingConfig], host: str, port: int) -> Iterator[str]:
    meant = [each for each in configs if (each.napari_host, each.napari_port) == (host, port)]
    for file in {each.napari_pairing_file for each in meant}:
        try:
            find_pairing(host, port, file)
        except (PairingError, OSError) as error:
            yield str(error)


def fitting_workers(pipeline: Pipeline, plate: Plate, worker_memory_mb: float | None) -> int:
    """Return how many workers fit into the memory that is free now; at least one."""
    needed_mb = worker_memory_mb or _estimated_mb(pipeline, plate)
    free_mb = min(psutil.virtual_memory().available, memory_limit_bytes()) / 1e6
    return max(1, int(free_mb * _MEMORY_SHARE / needed_mb))


def _estimated_mb(pipeline: Pipeline, plate: Plate) -> float:
    """Return what a worker may need: the largest group of planes, several times."""
    if not plate.images:
        return _PROCESS_MB
    try:
        plane_mb = plate.read(plate.images[0]).nbytes / 1e6
    except StorageError:
        return _PROCESS_MB
    largest = max(
        len(group) for images in plate.by_well().values() for group in group_images(pipeline, images)
    )
    return _PROCESS_MB + plane_mb * largest * _COPIES


def _port_problems(port: int) -> Iterator[str]:
    # A viewer that is just being started has its ports before it can be found.
    deadline_s = time.monotonic() + _ANSWER_TIMEOUT_S
    while find_viewer(port) is None:
        try:
            check_ports(port)
        except PortInUseError as error:
            if time.monotonic() < deadline_s:
                time.sleep(0.05)
                continue
            yield f"no viewer can be started on napari_port={port}: {error}, choose another one"
        return
