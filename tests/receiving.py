"""A viewer without a window: the real receiver in this process, and a test in the window's place."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from platecast.components import PlateLayout
from platecast.layers import HeldPlane
from platecast.viewer._inbox._arrivals import Arrival, Command, Dropped, Failure
from platecast.viewer._inbox._inbox import Receiver
from platecast.wire import (
    PROTOCOL_VERSION,
    Endpoint,
    Ledger,
    ReceiverSockets,
    ask,
    new_instance,
    process_start_time,
    remove_endpoint,
    write_endpoint,
)

TOKEN = "the token of the test"  # noqa: S105 -- of nobody


class LocalViewer:
    """A receiver on a port, entered as a context manager.

    Parameters
    ----------
    port
        Its data port.
    takes
        Whether a thread takes what arrives and settles it at once, as a quick window does. Otherwise the
        test calls `take_all`, `settle` and so on itself.
    keep
        Whether that thread keeps the planes, as layers do.
    """

    def __init__(
        self,
        port: int,
        *,
        takes: bool = True,
        keep: bool = True,
        owner_pid: int | None = None,
        listen: str = "",
    ) -> None:
        self.port = port
        self.planes: list[Arrival] = []
        self.dropped: list[Dropped] = []
        self.failures: list[Failure] = []
        self.layouts: list[PlateLayout] = []
        self.commands: list[Command] = []
        self._takes, self._keeps = takes, keep
        instance = new_instance()
        sockets = ReceiverSockets(port, instance, listen)
        self.endpoint = Endpoint(
            version=PROTOCOL_VERSION,
            port=port,
            pid=os.getpid(),
            start_time=process_start_time(os.getpid()) or 0.0,
            instance=instance.hex(),
            token=TOKEN,
            handover=sockets.handover,
            title="test",
            persistent=owner_pid is None,
            progress=sockets.progress.address,
            listen=listen,
        )
        self.receiver = Receiver(sockets, self.endpoint, owner_pid)
        self._work = threading.Event()
        self._ending = False
        self._window = threading.Thread(target=self._loop, name="platecast-test-window")

    def __enter__(self) -> Self:
        self.receiver.on_work = self._work.set
        self.receiver.start()
        write_endpoint(self.endpoint)
        self._window.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End like a window that was closed."""
        if not self._ending:
            self._ending = True
            self._work.set()
            self._window.join()
            self.receiver.stop()
            remove_endpoint(self.endpoint)

    def status(self) -> dict[str, Any]:
        """Return the viewer's own account of itself, as anybody could ask for it."""
        return ask(self.port, "status", token=TOKEN)[0]

    def ledger(self) -> Ledger:
        """Return the viewer's ledger, as anybody could ask for it."""
        return Ledger(**self.status()["ledger"])

    def take_all(self) -> list[Arrival]:
        """Take what waits, as the window's thread; return the planes."""
        new = []
        while (item := self.receiver.take()) is not None:
            if isinstance(item, Arrival):
                # As arrays, which can be compared; what came as a header only stays one.
                is_here = isinstance(item.array, HeldPlane) and item.array.nbytes
                new.append(replace(item, array=item.array.pixels()) if is_here else item)
            elif isinstance(item, Dropped):
                self.dropped.append(item)
            elif isinstance(item, Failure):
                self.failures.append(item)
                self.receiver.settle(item.ticket, item.reason)
            elif isinstance(item, PlateLayout):
                self.layouts.append(item)
            else:
                self.commands.append(item)
                item.reply({"done": item.name}, ())
        return new

    def planes_waiting(self) -> int:
        """Return how many planes wait for the window, names of dropped ones apart."""
        return sum(isinstance(item, Arrival) for item in tuple(self.receiver._arrivals))

    def show(self, arrivals: list[Arrival]) -> None:
        """Settle planes as shown."""
        for arrival in arrivals:
            self.receiver.settle(arrival.ticket)

    def _loop(self) -> None:
        """Turn as a window does: when there is work, and only then."""
        while not self._ending:
            self._work.wait()
            self._work.clear()
            if not self._takes:
                continue
            self._pass(self.take_all())

    def _pass(self, new: list[Arrival]) -> None:
        if self._keeps:
            self.planes += new
        self.show(new)


@contextmanager
def viewer_on(port: int, **options: Any) -> Iterator[LocalViewer]:
    """Run a `LocalViewer` for as long as the context lasts."""
    with LocalViewer(port, **options) as viewer:
        yield viewer


def sums_match(ledger: Ledger) -> bool:
    """Say whether every plane that was sent is accounted for."""
    parts = (ledger.shown, ledger.superseded, ledger.failed, ledger.dropped, ledger.pending)
    return ledger.sent == sum(parts) and min(parts) >= 0
