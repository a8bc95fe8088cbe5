"""What every test gets: an isolated home, a runtime directory, and a check that it leaves nothing behind."""

import contextlib
import ctypes
import os
import random
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from platecast.config import CONTROL_PORT_OFFSET

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- looked at, nothing is written there
_GRACE_S = 5.0
"""How long processes and threads that are on their way out may take."""
_PR_SET_CHILD_SUBREAPER = 36


def pytest_configure(config: pytest.Config) -> None:
    """Point home, settings and runtime directories to a temporary folder.

    Here and not in a fixture, because napari reads NAPARI_CONFIG when it is imported, which a test module may
    do while it is collected. Names are short: a unix socket's path has at most 107 bytes (103 on macOS).
    """
    temporary = tempfile.gettempdir()
    root = Path(tempfile.mkdtemp(prefix="pc-", dir=temporary if len(temporary) < 20 else "/tmp"))  # noqa: S108
    patch = pytest.MonkeyPatch()
    _keep_the_screen(patch)
    home = root / "home"
    for name, path in {
        "HOME": home,
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "XDG_RUNTIME_DIR": root / "xdg",
        "PLATECAST_RUNTIME_DIR": root / "run",
    }.items():
        path.mkdir(parents=True, mode=0o700)
        patch.setenv(name, str(path))
    patch.setenv("NAPARI_CONFIG", str(home / "napari.yaml"))
    config.add_cleanup(lambda: shutil.rmtree(root, ignore_errors=True))
    config.add_cleanup(patch.undo)
    if sys.platform == "linux":
        # A viewer started by a process that has ended becomes our child, and so is found.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _keep_the_screen(patch: pytest.MonkeyPatch) -> None:
    """Name the screen's socket and key by their full paths: both are looked up in the folders we replace."""
    wayland, runtime = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("XDG_RUNTIME_DIR")
    if wayland and runtime:
        patch.setenv("WAYLAND_DISPLAY", str(Path(runtime, wayland)))
    if "XAUTHORITY" not in os.environ:
        patch.setenv("XAUTHORITY", str(Path.home() / ".Xauthority"))


@pytest.fixture(autouse=True)
def runtime_dir() -> Iterator[Path]:
    """Give the test an empty runtime directory (0700), and check afterwards that it left nothing behind.

    Fixtures of a wider scope are set up before: what they start belongs to them, and lives in the session's
    runtime directory unless they name another one.
    """
    path = Path(tempfile.mkdtemp(prefix="", dir=Path(os.environ["PLATECAST_RUNTIME_DIR"]).parent))
    before = _Traces.now()
    with pytest.MonkeyPatch.context() as patch:  # not the test's own `monkeypatch`, which a test may undo
        patch.setenv("PLATECAST_RUNTIME_DIR", str(path))
        yield path
    leftovers = _leftovers(before, path)
    shutil.rmtree(path)
    if leftovers:
        pytest.fail("this test left behind:\n  " + "\n  ".join(leftovers), pytrace=False)


@dataclass(frozen=True)
class _Traces:
    """What of this process can be seen from outside a test."""

    children: frozenset[int]
    threads: frozenset[threading.Thread]
    shared_memory: frozenset[str]

    @classmethod
    def now(cls) -> "_Traces":
        return cls(frozenset(_children()), frozenset(threading.enumerate()), frozenset(_shared_memory()))


def _leftovers(before: _Traces, runtime_dir: Path) -> list[str]:
    """Describe what appeared since `before` and stays; end such processes, for the next test's sake."""
    return [
        *_left_processes(before),
        *_left_threads(before),
        *_left_shared_memory(before),
        *(
            f"file {path.relative_to(runtime_dir)} in the runtime directory: whoever made it must remove it"
            for path in runtime_dir.rglob("*")
            if not path.is_dir()
        ),
    ]


def _children() -> list[int]:
    """Return our children's process ids; the kernel lists them by thread, so not all of /proc is read."""
    pids: list[int] = []
    try:
        for task in os.listdir("/proc/self/task"):
            with contextlib.suppress(ProcessLookupError):  # the thread has just ended
                pids += map(int, Path("/proc/self/task", task, "children").read_bytes().split())
    except FileNotFoundError:  # no Linux, or a kernel built without these lists
        return [child.pid for child in psutil.Process().children()]
    return pids


def _left_processes(before: _Traces) -> list[str]:
    processes = []
    for pid in set(_children()) - before.children - _interpreters_own_processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    if not processes:
        return []
    _, alive = psutil.wait_procs(processes, timeout=_GRACE_S)
    lines = []
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = [process, *process.children(recursive=True)]
            lines.append(f"process {process.pid}, still running after {_GRACE_S:g} s: {_command(process)}")
            for member in tree:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(tree, timeout=_GRACE_S)
    return lines


def _interpreters_own_processes() -> set[int | None]:
    """Return the ids of multiprocessing's service processes, which live as long as this interpreter."""
    pids = set()
    for module, service, pid in (
        ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
        ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
    ):
        if module in sys.modules:
            pids.add(getattr(getattr(sys.modules[module], service), pid))
    return pids


def _left_threads(before: _Traces) -> list[str]:
    lines = []
    for thread in threading.enumerate():
        ours = not thread.daemon or thread.name.startswith("platecast-")
        if thread in before.threads or not ours or thread.name.startswith("pytest_timeout"):
            continue
        thread.join(timeout=_GRACE_S)
        if thread.is_alive():
            lines.append(
                f"thread {thread.name!r}, still running after {_GRACE_S:g} s: join it where it is owned"
            )
    return lines


def _shared_memory() -> list[str]:
    return os.listdir(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else []


def _left_shared_memory(before: _Traces) -> list[str]:
    new = sorted(set(_shared_memory()) - before.shared_memory)
    return [
        f"{_SHARED_MEMORY / name}: shared memory that nobody unlinked" for name in new if _may_be_ours(name)
    ]


def _may_be_ours(name: str) -> bool:
    """Tell whether a new block may come from this test: the whole machine shares the folder."""
    path = _SHARED_MEMORY / name
    try:
        if path.stat().st_uid != os.getuid():
            return False
    except FileNotFoundError:
        return False
    family = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    for process in psutil.process_iter():
        if process.pid in family:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if any(mapping.path == str(path) for mapping in process.memory_maps()):
                return False
            if any(file.path == str(path) for file in process.open_files()):
                return False
    return path.exists()


def _command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())[:200]


@pytest.fixture(scope="session", autouse=True)
def _session_leaves_nothing_behind() -> Iterator[None]:
    """Check once more at the end, for what fixtures of a wider scope started."""
    before = _Traces.now()
    yield
    leftovers = _leftovers(before, Path(os.environ["PLATECAST_RUNTIME_DIR"]))
    if leftovers:
        pytest.fail("the session left behind:\n  " + "\n  ".join(leftovers), pytrace=False)


@pytest.fixture(scope="session")
def find_free_port() -> Callable[[], int]:
    """Return a function that finds a data port P where P and P + 1000 are free; never the same one twice.

    Candidates lie below the range from which the kernel takes ports for outgoing connections, and in every
    other block of 1000, so that no candidate is another one's control port.
    """
    candidates = [port for port in range(12000, 32000) if port // CONTROL_PORT_OFFSET % 2 == 0]
    random.shuffle(candidates)

    def find() -> int:
        while candidates:
            port = candidates.pop()
            with contextlib.ExitStack() as sockets:
                try:
                    for number in (port, port + CONTROL_PORT_OFFSET):
                        sockets.enter_context(socket.socket()).bind(("127.0.0.1", number))
                except OSError:
                    continue
            return port
        pytest.fail("no free pair of ports on this machine")

    return find


@pytest.fixture
def free_port(find_free_port: Callable[[], int]) -> int:
    """Return a data port P such that P and the control port P + 1000 are both free on 127.0.0.1."""
    return find_free_port()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with real data beside the checkout, or skip."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"real data are not here: {path} does not exist")
    return path
