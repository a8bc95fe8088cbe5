"""The viewer of this machine as if it were on another one: a tunnel through ssh, and its far end.

The far end writes a connection file there, so that what runs there finds the viewer as if it were local, and
removes it when the tunnel ends. Only the port of ssh is needed, and the system's own ssh connects:
its settings, keys and questions are those that the user knows.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import msgspec

from platecast.config import CONTROL_PORT_OFFSET, MAX_PORT
from platecast.errors import TunnelError
from platecast.wire import Endpoint, process_start_time, read_endpoint, remove_endpoint, write_endpoint

_READY = "platecast tunnel on port "
_PORTS_TRIED = 5
_OPTIONS = ("ExitOnForwardFailure=yes", "ServerAliveInterval=5", "ServerAliveCountMax=4")
_PORT_TAKEN = "remote port forwarding failed"


class Tunnel:
    """An open tunnel to another machine; a context manager, which closes it.

    Parameters
    ----------
    endpoint
        The viewer of this machine.
    destination
        What ssh takes: ``user@host``, or a name of its configuration.
    command
        How platecast is called there.
    ssh_options
        Further options of ssh.
    on_message
        Called with what ssh and the other machine have to say, line by line.

    Raises
    ------
    TunnelError
        The other machine cannot be reached, or platecast cannot be called there.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        destination: str,
        *,
        command: str = "platecast",
        ssh_options: Sequence[str] = (),
        on_message: Callable[[str], None] = lambda line: None,
    ) -> None:
        if not destination or destination.startswith("-"):
            raise TunnelError(f"{destination!r} is no machine: name one as user@host")
        self._ssh = ["ssh", "-T", *(f"-o{each}" for each in _OPTIONS), *ssh_options]
        self._target = ["--", destination, f"{command} tunnel-end"]
        self._on_message = on_message
        first = endpoint.asked_port or endpoint.port
        for port in range(first, min(first + _PORTS_TRIED, MAX_PORT + 1)):
            process = self._open(endpoint, port)
            if process is not None:
                self._process = process
                self.port = port
                """Data port at the other machine."""
                return
        raise TunnelError(f"at {destination}, ports {first} to {first + _PORTS_TRIED - 1} are taken")

    def __enter__(self) -> "Tunnel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> None:
        """Wait until the tunnel ends by itself."""
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._on_message(line.rstrip())
        self._process.wait()

    def close(self) -> None:
        """Close the tunnel; its far end removes what it made there."""
        process = self._process
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _open(self, endpoint: Endpoint, port: int) -> "subprocess.Popen[str] | None":
        """Open the tunnel with these ports at the far end; `None` where they are taken there."""
        forwards = []
        for offset in (0, CONTROL_PORT_OFFSET):
            forwards += ["-R", f"127.0.0.1:{port + offset}:127.0.0.1:{endpoint.port + offset}"]
        process = subprocess.Popen(
            [*self._ssh, *forwards, *self._target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdin is not None  # noqa: S101 -- asked for above
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(far_endpoint(endpoint, port) + "\n")
            process.stdin.flush()
        said = []
        for line in process.stdout:
            if line.startswith(_READY):
                return process
            said.append(line.rstrip())
        status = process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        if any(_PORT_TAKEN in line for line in said):
            return None
        words = "\n  ".join(said[-8:]) or f"ssh ended with status {status}"
        raise TunnelError(f"no tunnel to {self._target[1]}:\n  {words}")


def far_endpoint(endpoint: Endpoint, port: int) -> str:
    """Return what the far end of a tunnel writes into its connection file, but for its process, as JSON."""
    far = msgspec.structs.replace(
        endpoint,
        port=port,
        asked_port=port,
        # Neither is of use there, and a path there is another socket.
        handover="",
        progress="",
        listen="",
        tunnel=os.uname().nodename if hasattr(os, "uname") else "another machine",
    )
    return msgspec.json.encode(far).decode()


def hold_far_end(given: IO[str], say: Callable[[str], None]) -> None:
    """Be the far end of a tunnel: write the connection file, and remove it when the other end has gone.

    Parameters
    ----------
    given
        One line with what `far_endpoint` returned; it ends with the tunnel.
    say
        Called with the line that the near end waits for.

    Raises
    ------
    TunnelError
        What was given is no such line, or this machine has a viewer of its own at that port.
    """
    try:
        far = msgspec.json.decode(given.readline(), type=Endpoint)
    except msgspec.DecodeError as error:
        raise TunnelError(f"this is for `platecast connect` only: {error}") from error
    own = read_endpoint(far.port)
    if own is not None and own.port == far.port:
        raise TunnelError(f"port {far.port} is that of the viewer {own.title!r} here")
    endpoint = msgspec.structs.replace(
        far, pid=os.getpid(), start_time=process_start_time(os.getpid()) or 0.0
    )
    with _ended_in_order():
        write_endpoint(endpoint)
        try:
            say(f"{_READY}{endpoint.port}")
            while given.read(1):
                pass
        except KeyboardInterrupt:
            pass
        finally:
            remove_endpoint(endpoint)


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let the signals by which a session ends take the way of Ctrl-C."""
    names = [each for each in ("SIGHUP", "SIGTERM") if hasattr(signal, each)]
    before = {each: signal.signal(getattr(signal, each), _interrupt) for each in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
