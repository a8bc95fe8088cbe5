"""The receiver's thread: takes in what senders say, and passes it on to the window.

Nothing here waits for the window: arrivals and commands go into a queue that the window's thread empties,
outcomes come back through another one. `ping` is answered here, and says how long ago the window's loop
last turned, so that a frozen window is never taken for a healthy one. Who the senders are and what they are
owed is the roster's business, whose memory a plane lies in the adoption's.
"""

import functools
import hmac
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from platecast.components import Kind
from platecast.config import NapariPolygons
from platecast.errors import ProtocolError
from platecast.layers import Holdings, Pixels, Shelf
from platecast.records import Records
from platecast.viewer._inbox._adoption import Adoption
from platecast.viewer._inbox._arrivals import Arrival, Command, Dropped, Failure, Incoming, Ticket
from platecast.viewer._inbox._budget import make_shelf
from platecast.viewer._inbox._owner import Owner, OwnerState
from platecast.viewer._inbox._painter import Painter, PlaneSizes
from platecast.viewer._inbox._progress_pace import ProgressPace
from platecast.viewer._inbox._roster import Roster
from platecast.viewer._inbox._sender import Sender
from platecast.viewer._inbox._vitals import Vitals
from platecast.wire import (
    MAX_REASON_LENGTH,
    AttachBlocks,
    Batch,
    Beat,
    Buffer,
    Data,
    Endpoint,
    FromSender,
    Hello,
    Joined,
    LayerStatus,
    Ledger,
    Left,
    Malformed,
    Observed,
    PassBlocks,
    ReceiverSockets,
    Request,
    check_item,
)

_log = logging.getLogger(__name__)

_POLL_S = 0.25


class Receiver:
    """The viewer's end of the protocol; implements `Inbox` for the window's thread.

    Parameters
    ----------
    sockets
        Bound already; owned, and closed by the thread when it ends.
    endpoint
        What the connection file says.
    owner_pid
        Process with which the viewer ends, if any.
    shelf
        Holds the planes.
    """

    def __init__(
        self,
        sockets: ReceiverSockets,
        endpoint: Endpoint,
        owner_pid: int | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._shelf = shelf or make_shelf()
        self._sockets = sockets
        self._endpoint = endpoint
        self._roster = Roster(sockets, endpoint, self._refuse, self._shelf)
        self._adoption = Adoption(self._shelf, self._free)
        self._owner = Owner(owner_pid)
        self._vitals = Vitals(endpoint, sockets.progress.address)
        self._arrivals: deque[Incoming] = deque()
        self._outcomes: deque[Callable[[], None]] = deque()
        self._answers: deque[tuple[bytes, dict[str, Any], Sequence[bytes]]] = deque()
        self._woken = False
        self._has_passed_on = False
        self._sizes = PlaneSizes()
        self._painter = Painter(self._shelf.hold, self._painted, self._not_painted)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platecast-receiver", daemon=True)
        sockets.progress.token = endpoint.token
        self._progress = ProgressPace()
        self.quit_early: Callable[[], None] | None = None
        """Ends a process whose window is not there yet, in its main thread and soon; called by ours."""
        self.end_now: Callable[[], None] = _nothing
        """Ends the process on the spot; called where the owner has gone and the window does not close."""
        self.on_work: Callable[[], None] = _nothing
        """Called in the receiver's thread when something waits for the window; must not block."""

    @property
    def port(self) -> int:
        """The data port."""
        return self._endpoint.port

    # For the window's thread.

    def start(self) -> None:
        """Start receiving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving, say what is settled, close the sockets."""
        self._painter.stop()
        self._stopping.set()
        self._sockets.wake()
        self._thread.join()

    def take(self) -> Incoming | None:
        """Return the oldest thing that waits, or `None`."""
        try:
            return self._arrivals.popleft()
        except IndexError:
            return None

    def settle(self, ticket: Ticket, error: str | None = None) -> None:
        """Say that a plane is readable from a layer, or why it never will be."""
        self._tell(functools.partial(self._roster.settle, ticket, error))

    def spoil(self, ticket: Ticket, reason: str) -> None:
        """Say that a plane that was shown could not be read when it was looked at."""
        self._tell(functools.partial(self._roster.spoil, ticket, reason))

    def restore(self, ticket: Ticket, reason: str) -> None:
        """Say that a plane that could not be read for a while is there after all."""
        self._tell(functools.partial(self._roster.restore, ticket, reason))

    def supersede(self, ticket: Ticket) -> None:
        """Say that a plane that was shown has been replaced by a later one."""
        self._tell(functools.partial(self._roster.supersede, ticket))

    def beat(self) -> None:
        """Say that the window's loop is alive."""
        self._vitals.beat()

    def show_layers(self, layers: Sequence[LayerStatus]) -> None:
        """Say which layers there are."""
        self._vitals.layers = tuple(layers)

    def holdings(self) -> Holdings:
        """Return where the planes are, and what they take."""
        return self._shelf.holdings()

    def pin(self, planes: Sequence[Pixels]) -> None:
        """Say which planes are on screen: they stay in memory."""
        self._shelf.pin(planes)

    def dropped_unnamed(self) -> int:
        """Return how many planes were dropped of which their senders could not say what they were."""
        return self._vitals.dropped_unnamed

    def senders(self) -> int:
        """Return how many senders are connected."""
        return sum(sender.ended_at is None for sender in self._roster)

    def missed(self) -> list[str]:
        """Return which senders on other machines are not heard, and for how long, in words."""
        return [each.words for each in self._roster if each.is_missed]

    def _tell(self, outcome: Callable[[], None]) -> None:
        self._outcomes.append(outcome)
        self._wake()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._sockets.wake()

    # For the receiver's own thread.

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn(_POLL_S)
            except Exception:
                # The edge of the thread: one bad message must not end the viewer.
                _log.exception("the receiver failed on a message and goes on")
        try:
            self._turn(0.0)
            self._sockets.progress.publish(self.status() | {"state": "gone"})
        finally:
            self._sockets.close()

    def _turn(self, timeout_s: float) -> None:
        events = self._sockets.poll(timeout_s)
        self._woken = False
        for event in events:
            try:
                self._handle(event)
            except Exception:
                # The edge towards a peer: its message must cost nobody else theirs.
                _log.exception("the receiver failed on a message and goes on")
        self._receive_parked()
        while self._outcomes:
            self._outcomes.popleft()()
        while self._answers:
            self._sockets.answer(*self._answers.popleft())
        self._roster.acknowledge()
        self._watch_owner()
        if self._progress.is_due(self._sockets.progress.observers, self._news):
            self._sockets.progress.publish(self.status())
        # Not by the queue's length: the window takes from it at the same time.
        if self._has_passed_on:
            self._has_passed_on = False
            self.on_work()

    def _watch_owner(self) -> None:
        match self._owner.look():
            case OwnerState.ENDED:
                _log.info("the process that owns this viewer has ended")
                if not self._quit_early():
                    self._pass_on(Command("quit", {}, _no_reply))
            case OwnerState.OVERDUE:
                _log.warning("the window does not close: this process ends without it")
                self.end_now()

    def _quit_early(self) -> bool:
        """End a process whose window is not there yet; say whether it is one."""
        if not self._vitals.has_window and self.quit_early is not None:
            self.quit_early()
            return True
        return False

    def _pass_on(self, item: Incoming) -> None:
        self._arrivals.append(item)
        self._has_passed_on = True

    def _handle(self, event: object) -> None:
        match event:
            case Data():
                self._receive(event)
            case FromSender(route, Hello() as hello, origin):
                self._roster.greet(route, hello, origin)
            case FromSender(route, Beat() as beat, origin):
                self._roster.hear(route, beat, origin)
            case FromSender(_, message, origin) if origin:
                self._refuse(f"{type(message).__name__} from another machine: memory is not shared with it")
            case FromSender(route, AttachBlocks() as attach):
                self._roster.join_by_name(route, attach)
            case FromSender(_, PassBlocks() as passed):
                self._roster.keep_blocks(passed)
                self._receive_parked()
            case Buffer():
                self._roster.keep_buffer(event)
            case Joined():
                self._roster.join(event)
            case Left(connection):
                self._roster.leave(connection)
            case Request():
                self._answer(event)
            case Malformed(reason):
                self._refuse(reason)
            case Observed():
                self._progress.hurry()

    def _receive(self, data: Data) -> None:
        batch, frames = data.batch, [frame.buffer for frame in data.frames]
        sender = self._roster.find(batch.sender)
        if sender is None or sender.origin != data.origin:
            self._refuse("a batch of an unknown sender")
            return
        if not sender.park(data):
            self._take_in(sender, batch, frames)

    def _receive_parked(self) -> None:
        for sender in self._roster:
            for data in sender.unpark():
                self._take_in(sender, data.batch, [frame.buffer for frame in data.frames])

    def _take_in(self, sender: Sender, batch: Batch, frames: list[memoryview]) -> None:
        for layout in batch.layouts:
            self._pass_on(layout)
        for lost in batch.dropped:
            self._pass_on(Dropped(lost.plane, batch.displays[lost.display], lost.reason[:MAX_REASON_LENGTH]))
        self._vitals.dropped_unnamed += max(batch.dropped_unnamed, 0)
        sizes = [len(frame) for frame in frames]
        # Before there is a window nothing leaves the queue, and says nothing of whether we keep up.
        self._adoption.begin(batch, len(self._arrivals) if self._vitals.has_window else 0)
        for item in batch.items:
            buffer = None if item.buffer is None else sender.buffers.pop(item.buffer, None)
            try:
                if not sender.account.receive(item.seq, item.stream):
                    continue
                check_item(item, batch, sizes)
                ticket = Ticket(sender.account.sender, item.seq, item.stream)
                display = batch.displays[item.display]
                if item.failure is not None:
                    self._pass_on(Failure(item.plane, display, item.failure, ticket))
                    continue
                frame = None if item.frame is None else frames[item.frame]
                content = self._adoption.content(sender, item, buffer, frame)
                self._file(Arrival(item.plane, display, content, item.contrast, ticket))
            except (ProtocolError, OSError) as error:
                self._refuse(f"plane {item.seq} of process {sender.pid}: {error}")
                sender.account.settle(item.seq, item.stream, str(error))
                if item.buffer is not None:
                    sender.account.free(item.buffer)
            finally:
                if buffer is not None:
                    buffer.close()
        sender.close_unnamed(batch)

    def _file(self, arrival: Arrival) -> None:
        content = arrival.array
        if not isinstance(content, Records):
            self._sizes.note(arrival.plane, content.shape)
        elif content.kind is Kind.SHAPES and arrival.display.polygons is NapariPolygons.LABELS:
            self._painter.put(arrival, self._sizes.beside(arrival.plane))
            return
        self._pass_on(arrival)

    def _painted(self, arrival: Arrival) -> None:
        """Pass on what the painter's thread has painted."""
        self._arrivals.append(arrival)
        self.on_work()

    def _not_painted(self, arrival: Arrival, reason: str) -> None:
        _log.warning("refused: plane %d: %s", arrival.ticket.seq, reason)
        self.settle(arrival.ticket, reason)

    def _free(self, sender: bytes, number: int) -> None:
        """Note that the last view of an adopted buffer is gone; in whichever thread that happened."""
        self._tell(functools.partial(self._say_freed, sender, number))

    def _say_freed(self, name: bytes, number: int) -> None:
        self._adoption.released()
        sender = self._roster.find(name)
        if sender is not None:
            sender.account.free(number)

    def _answer(self, request: Request) -> None:
        name = request.body.get("type")
        if name == "ping":
            self._sockets.answer(request.client, self._vitals.pong())
            return
        token = str(request.body.get("token", ""))
        if request.origin and name == "status":
            self._sockets.answer(request.client, self.status())
            return
        if request.origin:
            self._refuse(f"a request {name!r} from another machine, with the key {request.origin!r}")
            self._sockets.answer(request.client, {"error": "other machines may ask ping and status only"})
            return
        if not hmac.compare_digest(token.encode(), self._endpoint.token.encode()):
            self._refuse(f"a request {name!r} with a wrong token")
            self._sockets.answer(request.client, {"error": "wrong token: it is in the connection file"})
            return
        if name == "status":
            self._sockets.answer(request.client, self.status())
            return
        if name == "quit" and self._quit_early():
            self._sockets.answer(request.client, {"quitting": True})
            return
        args = {key: value for key, value in request.body.items() if key not in ("type", "token")}
        self._pass_on(Command(str(name), args, functools.partial(self._reply, request.client)))

    def _reply(self, client: bytes, answer: dict[str, Any], blobs: Sequence[bytes]) -> None:
        self._answers.append((client, answer, blobs))
        self._wake()

    def _refuse(self, reason: str) -> None:
        self._vitals.refused += 1
        _log.warning("refused: %s", reason)

    def ledger(self) -> Ledger:
        """Return the account of everything that this viewer was ever sent."""
        return self._roster.ledger()

    def _news(self) -> object:
        """Return what observers are told of at once; it changes where there is something to tell."""
        vitals = self._vitals
        return vitals.state, self.ledger(), vitals.layers, self.senders(), vitals.refused

    def status(self) -> dict[str, Any]:
        """Return the account and what the viewer is doing, as the answer to `status`."""
        return self._vitals.status(self.ledger(), self._roster, len(self._arrivals), self._shelf.holdings())


def _nothing() -> None:
    """Do nothing, until the window is there."""


def _no_reply(answer: dict[str, Any], blobs: Sequence[bytes]) -> None:
    """Answer nobody: the request was our own."""
