"""Where a user's viewers are found: one connection file for each viewer, in a folder of that user alone.

The file says where the viewer listens and holds the token that senders and managers show; only its owner
can read it. It is written when the viewer listens and removed when it ends; a file whose process is gone
is stale and may be removed by anybody who finds it.
"""

import logging
import os
import signal
import socket
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs
import psutil

from platecast.config import CONTROL_PORT_OFFSET
from platecast.errors import PlatecastError

_log = logging.getLogger(__name__)

RUNTIME_DIR_VARIABLE = "PLATECAST_RUNTIME_DIR"
LOOPBACK = "127.0.0.1"
_STARTING_S = 60.0
_EXITING = 0x4
"""PF_EXITING of the kernel, among the flags of ``/proc/PID/stat``."""
_KILLED = 1 << (signal.SIGKILL - 1) if sys.platform != "win32" else 0
"""SIGKILL, among the pending signals there."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A viewer's connection file."""

    version: int
    port: int
    """Data port; the control port is 1000 above."""
    pid: int
    start_time: float
    """When the process started, as `process_start_time` tells it."""
    instance: str
    """Hexadecimal name of this life of the viewer."""
    token: str
    """Secret of the user."""
    handover: str
    """Path of the unix socket for descriptors; empty where there is none."""
    title: str
    persistent: bool
    asked_port: int = 0
    """The port under which this user asks for the viewer, where that pair belonged to somebody else."""
    progress: str = ""
    """ZeroMQ address where the viewer publishes its status."""
    virtual_screen: bool = False
    """Whether the window is on a screen that nobody sees."""
    listen: str = ""
    """The address at which other machines find the viewer; empty where it listens on loopback only."""
    tunnel: str = ""
    """The machine on which the viewer really is, where these ports are the ends of a tunnel."""

    @property
    def control_address(self) -> str:
        """ZeroMQ address of the control channel."""
        return f"tcp://{LOOPBACK}:{self.port + CONTROL_PORT_OFFSET}"

    @property
    def data_address(self) -> str:
        """ZeroMQ address of the data channel."""
        return f"tcp://{LOOPBACK}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether the process that wrote the file still runs; a recycled process id does not count."""
        return process_start_time(self.pid) == self.start_time


def runtime_dir() -> Path:
    """Return the folder of connection files and sockets, made where it is missing.

    Raises
    ------
    PlatecastError
        The folder is open to others or belongs to somebody else.
    """
    chosen = os.environ.get(RUNTIME_DIR_VARIABLE)
    folder = Path(chosen) if chosen else _default_runtime_dir()
    return private_folder(folder, RUNTIME_DIR_VARIABLE)


def private_folder(folder: Path, variable: str) -> Path:
    """Return a folder of this user alone, made where it is missing.

    Parameters
    ----------
    folder
        Where it is.
    variable
        The environment variable that names another one, for the error.

    Raises
    ------
    PlatecastError
        The folder is open to others or belongs to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "geteuid"):
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise PlatecastError(f"{folder} is no folder of this user: remove it or set {variable}")
        if status.st_mode & 0o077:
            raise PlatecastError(f"{folder} is open to other users: make it private with chmod 700")
    return folder


def _default_runtime_dir() -> Path:
    """Return the system's runtime folder of this user, or a folder of the user's own among temporary files.

    platformdirs would warn where there is no runtime folder, at every start of every worker.
    """
    if not hasattr(os, "geteuid"):
        return Path(platformdirs.user_runtime_dir("platecast", appauthor=False))
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.geteuid()}"]
    for candidate in filter(None, candidates):
        if os.access(candidate, os.W_OK):
            return Path(candidate, "platecast")
    return Path(tempfile.gettempdir(), f"platecast-{os.geteuid()}")


def endpoint_path(port: int) -> Path:
    """Return where the connection file of the viewer on `port` lies."""
    return runtime_dir() / f"{port}.json"


def handover_path(port: int, instance: bytes) -> Path:
    """Return where a new viewer on `port` puts its unix socket; those of earlier instances are removed.

    Only the process that holds both ports may call this: then nobody else can be the viewer there.
    """
    folder = runtime_dir()
    for stale in folder.glob(f"{port}-*.sock"):
        stale.unlink(missing_ok=True)
    return folder / f"{port}-{instance.hex()[:8]}.sock"


def write_endpoint(endpoint: Endpoint) -> None:
    """Write a connection file, whole or not at all, readable by its owner only."""
    path = endpoint_path(endpoint.asked_port or endpoint.port)
    write_whole(path, msgspec.json.format(msgspec.json.encode(endpoint)))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of the runtime folder, whole or not at all, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_endpoint(port: int) -> Endpoint | None:
    """Return the living viewer that this user means by `port`, or `None`.

    That is the viewer which was asked for under this port, else the one which listens there. A stale
    connection file is removed.

    Raises
    ------
    PlatecastError
        The connection file cannot be read.
    """
    asked = _read(endpoint_path(port))
    return asked or next((each for each in list_endpoints() if each.port == port), None)


def list_endpoints() -> list[Endpoint]:
    """Return the living viewers of this user, by port; stale connection files are removed.

    A file that cannot be read is logged and left out: it must not hide the others.
    """
    found = []
    for path in runtime_dir().glob("*.json"):
        try:
            found.append(_read(path))
        except PlatecastError as error:
            _log.warning("%s", error)
    return sorted((each for each in found if each is not None), key=lambda each: each.port)


def _read(path: Path) -> Endpoint | None:
    """Return the living viewer of a connection file; remove the file where the viewer is gone."""
    try:
        endpoint = msgspec.json.decode(path.read_bytes(), type=Endpoint)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlatecastError(f"cannot read the connection file {path}: {error}; remove it") from error
    if endpoint.alive:
        return endpoint
    remove_endpoint(endpoint)
    return None


def remove_endpoint(endpoint: Endpoint) -> None:
    """Remove a viewer's files, unless another viewer has taken their place."""
    path = endpoint_path(endpoint.asked_port or endpoint.port)
    try:
        current = msgspec.json.decode(path.read_bytes(), type=Endpoint)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return
    if current.instance == endpoint.instance:
        path.unlink(missing_ok=True)
        if endpoint.handover:
            Path(endpoint.handover).unlink(missing_ok=True)


def process_start_time(pid: int) -> float | None:
    """Return when a process started, comparable on this machine until it reboots; `None` if it is gone.

    On Linux this is field 22 of ``/proc/PID/stat`` (clock ticks since boot), which no clock change moves.
    A process that has ended but was not waited for is gone, and so is one that was killed and is just ending:
    with gigabytes of memory to give back that takes seconds.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        has_ended = fields[0] in "ZX" or int(fields[6]) & _EXITING or int(fields[28]) & _KILLED
        return None if has_ended else float(fields[19])
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


@dataclass(frozen=True, slots=True)
class RuntimeFiles:
    """What `clean_runtime_dir` found that belongs to no living viewer."""

    removed: tuple[Path, ...]
    unreadable: tuple[tuple[Path, str], ...]
    """Connection files that cannot be read, and why; they were left."""


def clean_runtime_dir() -> RuntimeFiles:
    """Remove the files of viewers that have ended: connection files, unix sockets, halves of a write.

    Raises
    ------
    PlatecastError
        The folder may not be used.
    """
    folder = runtime_dir()
    before = {path for pattern in ("*.json", "*.sock") for path in folder.glob(pattern)}
    used: set[str] = set()
    unreadable = []
    for path in folder.glob("*.json"):
        try:
            endpoint = _read(path)
        except PlatecastError as error:
            unreadable.append((path, str(error.__cause__ or error)))
            continue
        if endpoint is not None:
            used.add(endpoint.handover)
    for path in folder.glob("*.sock"):
        if str(path) not in used and _is_old(path) and not _is_listening(path):
            path.unlink(missing_ok=True)
    for path in folder.glob(".*-*"):
        if _is_old(path):
            before.add(path)
            path.unlink(missing_ok=True)
    return RuntimeFiles(tuple(sorted(path for path in before if not path.exists())), tuple(unreadable))


def _is_old(path: Path) -> bool:
    """Say whether a file cannot be that of a viewer which is just starting."""
    try:
        return time.time() - path.stat().st_mtime > _STARTING_S
    except FileNotFoundError:
        return False


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
