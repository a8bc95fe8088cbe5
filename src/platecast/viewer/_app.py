"""The viewer's process from its first line to its last.

The ports are bound and the connection file is written before anything slow is imported: planes are taken
from then on and wait for the window.
"""

import argparse
import contextlib
import gc
import logging
import os
import secrets
import signal
from collections.abc import Iterator, Sequence

from platecast.config import DEFAULT_PORT
from platecast.errors import PlatecastError, PortInUseError
from platecast.viewer._inbox._budget import Relief, make_shelf
from platecast.viewer._inbox._inbox import Receiver
from platecast.viewer._screen import VirtualScreen
from platecast.wire import (
    PROTOCOL_VERSION,
    Endpoint,
    ReceiverSockets,
    new_instance,
    process_start_time,
    remove_endpoint,
    write_endpoint,
)

_log = logging.getLogger(__name__)

_PORTS_TRIED = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a viewer until it is closed; return the exit status."""
    # What is made while the process starts stays for good: looking for garbage in it takes 10% of the start.
    gc.disable()
    options = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        with contextlib.ExitStack() as stack:
            _allow_descriptors()
            receiver = stack.enter_context(_listening(options))
            if options.virtual_screen:
                stack.enter_context(VirtualScreen())
            return _show(options, receiver)
    except PlatecastError as error:
        _log.error("%s", error)
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m platecast.viewer", description="Run a viewer.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="data port; control is 1000 above")
    parser.add_argument("--or-next", action="store_true", help="take the next free pair where that is taken")
    parser.add_argument("--title", default="platecast", help="title of the window")
    parser.add_argument("--owner-pid", type=int, help="end when this process ends")
    parser.add_argument("--memory-budget-mb", type=_size_mb, help="memory for planes; default: half of all")
    parser.add_argument("--listen", default="", help="let other machines in at this address, by their keys")
    parser.add_argument("--virtual-screen", action="store_true", help="run on an Xvfb of its own")
    return parser.parse_args(arguments)


def _size_mb(text: str) -> float:
    size_mb = float(text)
    if not 0 < size_mb < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no size in MB")
    return size_mb


def _allow_descriptors() -> None:
    """Use all the descriptors that the system grants: planes of many senders have one each on their way."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind(port: int, instance: bytes, tries: int, listen: str) -> ReceiverSockets:
    """Bind the pair of ports, or the first free one after it."""
    for candidate in range(port, port + tries - 1):
        with contextlib.suppress(PortInUseError):
            return ReceiverSockets(candidate, instance, listen)
    return ReceiverSockets(port + tries - 1, instance, listen)


@contextlib.contextmanager
def _listening(options: argparse.Namespace) -> Iterator[Receiver]:
    instance = new_instance()
    sockets = _bind(options.port, instance, _PORTS_TRIED if options.or_next else 1, options.listen)
    endpoint = Endpoint(
        version=PROTOCOL_VERSION,
        port=sockets.port,
        asked_port=options.port,
        pid=os.getpid(),
        start_time=process_start_time(os.getpid()) or 0.0,
        instance=instance.hex(),
        token=secrets.token_hex(16),
        handover=sockets.handover,
        title=options.title,
        persistent=options.owner_pid is None,
        progress=sockets.progress.address,
        virtual_screen=options.virtual_screen,
        listen=options.listen,
    )
    shelf = make_shelf(options.memory_budget_mb)
    receiver = Receiver(sockets, endpoint, options.owner_pid, shelf)
    receiver.quit_early = lambda: os.kill(os.getpid(), signal.SIGTERM)
    receiver.end_now = lambda: _end_now(endpoint)
    receiver.start()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: _end_early(receiver, endpoint))
    write_endpoint(endpoint)
    try:
        with Relief(shelf, lambda: receiver.on_work()):
            yield receiver
    finally:
        receiver.stop()
        remove_endpoint(endpoint)


def _end_early(receiver: Receiver, endpoint: Endpoint) -> None:
    """End the process before its window is there; in the main thread, in the middle of anything.

    Not by an exception: one that is raised inside a slot makes Qt abort.
    """
    receiver.stop()
    remove_endpoint(endpoint)
    os._exit(0)


def _end_now(endpoint: Endpoint) -> None:
    """End the process from any thread, whatever its main thread is doing."""
    remove_endpoint(endpoint)
    os._exit(1)


def _show(options: argparse.Namespace, receiver: Receiver) -> int:
    """Open the window and run its loop until it is closed."""
    # Importing napari is what takes long; everything above is listening already.
    from platecast.viewer._window import open_window

    window = open_window(options.title, receiver.port, receiver)
    for each in (signal.SIGTERM, signal.SIGINT):
        # Python's handlers run between two turns of the loop, at the latest with the session's idle beat.
        signal.signal(each, lambda *_: window.close())
    receiver.quit_early = None
    receiver.on_work = window.wake
    gc.freeze()
    gc.enable()
    return window.run()
