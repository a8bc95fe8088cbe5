"""The command line as a user has it: commands in processes of their own, and questions to viewers."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
import psutil

from platecast.components import Components
from platecast.wire import Endpoint, Ledger, ask
from tests.waiting import wait_until

_END_TIMEOUT_S = 20.0


class Terminal:
    """Runs commands with a runtime directory of their own, on a machine without a screen.

    A context manager; leaving it ends every viewer that is still there.
    """

    def __enter__(self) -> Self:
        self.runtime_dir = Path(tempfile.mkdtemp(dir=Path(os.environ["PLATECAST_RUNTIME_DIR"]).parent))
        self._environment = {
            name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        } | {"PLATECAST_RUNTIME_DIR": str(self.runtime_dir)}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for window in self.windows():
            window.terminate()
        shutil.rmtree(self.runtime_dir)

    def start(
        self, *arguments: object, own_group: bool = False, folder: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start Python with these arguments, in a folder."""
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=own_group,
        )

    def python(
        self, *arguments: object, timeout_s: float = 60, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments to its end."""
        with self.start(*arguments, folder=folder) as process:
            try:
                out, errors = process.communicate(timeout=timeout_s)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, errors)

    def platecast(self, *arguments: object, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of platecast to its end."""
        return self.python("-m", "platecast", *arguments, timeout_s=timeout_s)

    def demo(self, *options: object, report: Path) -> dict[str, Any]:
        """Run the demo, which must succeed, and return its report."""
        done = self.platecast("demo", "--headless", "--report", report, *options)
        assert done.returncode == 0, done.stderr
        return json.loads(report.read_bytes())

    def windows(self) -> list["Window"]:
        """Return every viewer that was started here and is alive."""
        files = self.runtime_dir.glob("*.json")
        endpoints = [msgspec.json.decode(file.read_bytes(), type=Endpoint) for file in files]
        return [Window(endpoint) for endpoint in endpoints if endpoint.alive]

    def window(self, port: int) -> "Window":
        """Return the viewer on a port, as soon as it is ready."""
        window = wait_until(
            lambda: next((each for each in self.windows() if each.endpoint.port == port), None),
            f"a viewer listens on port {port}",
            30,
        )
        window.wait_ready()
        return window

    def files_left(self) -> list[str]:
        """Return what lies in the runtime directory."""
        return sorted(path.name for path in self.runtime_dir.iterdir())


class Window:
    """A viewer in its own process, asked over its control channel."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.process = psutil.Process(endpoint.pid)

    def ask(self, request: str, **args: Any) -> tuple[dict[str, Any], list[bytes]]:
        """Ask for something that only the viewer's user may know."""
        return ask(self.endpoint.port, request, token=self.endpoint.token, timeout_s=20, **args)

    def wait_ready(self) -> None:
        """Wait until its window is there and idle."""
        wait_until(lambda: self.ask("ping")[0]["state"] == "ready", "the window is ready", 40)

    def ledger(self) -> Ledger:
        """Return its account of every plane."""
        return Ledger(**self.ask("status")[0]["ledger"])

    def layers(self) -> list[dict[str, Any]]:
        """Return what it says of its layers."""
        listed: list[dict[str, Any]] = self.ask("layers")[0]["layers"]
        return listed

    def read(self, layer: str, components: Components) -> np.ndarray[Any, Any]:
        """Return the plane that lies in a layer at the place of these components."""
        named = {name: getattr(components, name) for name in components.present}
        answer, (pixels,) = self.ask("read", layer=layer, **named)
        return np.frombuffer(pixels, answer["dtype"]).reshape(answer["shape"])

    def screens(self) -> list[psutil.Process]:
        """Return the virtual screens that it started."""
        return [child for child in self.process.children() if child.name() == "Xvfb"]

    def terminate(self) -> None:
        """End it, with its screen, and wait for both."""
        processes = [self.process, *self.process.children(recursive=True)]
        self.process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=_END_TIMEOUT_S)
        for process in alive:
            process.kill()
        assert not alive, f"still there after {_END_TIMEOUT_S:g} s: {alive}"


def all_gone(processes: list[psutil.Process], timeout_s: float = _END_TIMEOUT_S) -> bool:
    """Say whether all these processes end in time."""
    return not psutil.wait_procs(processes, timeout=timeout_s)[1]


@contextmanager
def terminal_with_window(port: int) -> Iterator[tuple[Terminal, Window]]:
    """Open a terminal and start a viewer from it."""
    with Terminal() as terminal:
        done = terminal.platecast("start", "--headless", "--port", port)
        assert done.returncode == 0, done.stderr
        yield terminal, terminal.window(port)
