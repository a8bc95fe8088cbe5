"""The window's loop: takes what arrived, files it, and shows it, a little at a time."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.components import PlateLayout
from platecast.errors import PlatecastError
from platecast.layers import LayerStore, Loss, LossState
from platecast.viewer._inbox._arrivals import Arrival, Command, Dropped, Failure, Inbox, Incoming, Ticket
from platecast.viewer._plate._watch import Watch
from platecast.viewer._session._canvas import Canvas
from platecast.viewer._session._clearing import Cleared, clear
from platecast.viewer._session._commands import Commands
from platecast.viewer._session._export import Exports
from platecast.viewer._session._filing import Filing, Newcomer
from platecast.viewer._session._following import Following
from platecast.viewer._session._frame_pace import FramePace
from platecast.viewer._session._layers_status import layers_status
from platecast.viewer._session._steps import StepName
from platecast.viewer._session._unreadable import Unreadable

_log = logging.getLogger(__name__)

_BUDGET_S = 0.006
_BEAT_INTERVAL_MS = 250
# Between two new layers: timers of 0 ms in a row keep Qt from input and from the timers of others.
_PAUSE_MS = 10


Reply = Callable[[dict[str, Any], Sequence[bytes]], None]


def _nobody(answer: dict[str, Any], blobs: Sequence[bytes]) -> None:
    """Tell nobody the answer but the log."""
    if "error" in answer:
        _log.warning("%s", answer["error"])


class Session(QObject):
    """Moves planes from an inbox to a canvas without keeping the window from its user.

    One turn takes planes for at most 6 ms, shows at most one new layer, refreshes each layer that has
    something new on screen as often as `FramePace` says, and gives way to painting and input before the next.
    Commands are answered in their place among the planes: what was sent before them is there.

    Everything but `wake` is for the window's thread.

    Parameters
    ----------
    inbox
        Where planes, layouts and commands wait.
    store
        Files planes into layers.
    canvas
        Shows the layers.
    clock
        Returns seconds that never go back.
    watch
        Told of every plane, if given.
    following
        Whether the sliders go to the newest plane; without it they never do.
    """

    _woken = QtSignal()

    def __init__(
        self,
        inbox: Inbox,
        store: LayerStore,
        canvas: Canvas,
        clock: Callable[[], float] = time.monotonic,
        watch: Watch | None = None,
        following: Following | None = None,
    ) -> None:
        super().__init__()
        self._inbox = inbox
        self._store = store
        self._canvas = canvas
        self._clock = clock
        self._watch = watch
        self.following = following or Following()
        self.exports = Exports(store)
        self._commands = Commands(
            store,
            canvas,
            clear=self._clear,
            regroup=self._regroup,
            following=self.following,
            exports=self.exports,
        )
        self._filing = Filing(inbox, store, canvas, watch, self.following)
        self._held: deque[Command] = deque()
        self._delayed: Arrival | None = None
        """A plane for which others are being put away."""
        self._unreadable = Unreadable(store, self.wake)
        self._is_awake = False
        self._is_stopped = False
        self._pace = FramePace(clock)
        self._more_at_s = float("-inf")
        # Queued whatever thread emits: a turn must never run inside the receiver's thread.
        self._woken.connect(self._turn, Qt.ConnectionType.QueuedConnection)
        self._next_turn = self._timer(self._turn)
        self._frame = self._timer(self._refresh_now)
        self._said = (0, 0)
        self._idle = QTimer(self)
        self._idle.setInterval(_BEAT_INTERVAL_MS)
        self._idle.timeout.connect(self._beat)

    @property
    def is_idle(self) -> bool:
        """Whether there is no layer and none on its way."""
        return not self._store.layers

    def start(self) -> None:
        """Begin to take from the inbox, with what waits there already."""
        self._inbox.beat()
        self._idle.start()
        self._next_turn.start()

    def stop(self) -> None:
        """Take nothing more; what waits stays in the inbox. May be called again."""
        self._is_stopped = True
        for timer in (self._idle, self._next_turn, self._frame):
            timer.stop()
        self._unreadable.stop()
        self.exports.stop()

    def wake(self) -> None:
        """Say that the inbox has something. For any thread; many calls cause one turn."""
        # The inbox was filled before this call and the turn clears the flag before it takes, so a caller
        # that finds the flag set has its item seen by the turn that is still to come.
        if not self._is_awake:
            self._is_awake = True
            self._woken.emit()

    def _beat(self) -> None:
        """Say that the loop turns, and which layers there are where that changed."""
        self._inbox.beat()
        self._unreadable.look_again(self._canvas.is_on_screen)
        said = (self._filing.filed, len(self._store.layers))
        if said != self._said:
            self._said = said
            self._inbox.show_layers(layers_status(self._store.layers))

    def _timer(self, callback: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(callback)
        return timer

    def _turn(self) -> None:
        self._is_awake = False
        if self._is_stopped:
            return
        pause_ms = 0
        try:
            self._inbox.beat()
            for spoilt in self._unreadable.take_out():
                self._filing.spoil(*spoilt)
            for recovered in self._unreadable.recovered():
                self._filing.restore(recovered)
            has_more = self._drain()
            self._follow_axes()
            has_shown = self._show_one_newcomer()
            self._refresh_when_due()
            pause_ms = _PAUSE_MS if has_shown else self._show_more()
        except Exception:
            _log.exception("a turn of the window's loop failed")
            has_more = True
        # Not another queued signal: a timer lets paint and input events go first.
        if (has_more or pause_ms or self._filing.newcomers or self._held) and not self._is_stopped:
            self._next_turn.start(pause_ms)

    def _drain(self) -> bool:
        """Take what waits until the budget is spent; say whether something may be left."""
        end_s = self._clock() + _BUDGET_S
        while self._clock() < end_s:
            if self._delayed is not None:
                item: Incoming | None = self._delayed
                self._delayed = None
            elif self._held:
                if self._filing.newcomers:
                    return True
                item = self._held.popleft()
            else:
                item = self._inbox.take()
            if item is None:
                return False
            if isinstance(item, Arrival):
                if not self._filing.file(item):
                    # Who makes room wakes us; until then nothing that came later is taken.
                    self._delayed = item
                    return False
            elif isinstance(item, Failure):
                self._filing.note_failure(item)
            elif isinstance(item, Dropped):
                self._filing.lose(item.plane, item.display, Loss(LossState.DROPPED, item.reason))
            elif isinstance(item, PlateLayout):
                self._filing.has_grown |= self._store.announce(item)
                if self._watch is not None:
                    self._watch.announced(item)
            elif self._filing.newcomers:
                self._held.append(item)
            else:
                self._answer(item)
                if self._is_stopped:
                    return False
        return True

    def _follow_axes(self) -> None:
        if self._filing.has_grown:
            self._filing.has_grown = False
            self._canvas.axes_changed()

    def _show_one_newcomer(self) -> bool:
        """Show one new layer: each takes tens of milliseconds, in which the window is deaf.

        Those that wait until they are looked at take no time, so they go with it.
        """
        end_s = self._clock() + _BUDGET_S
        while self._filing.newcomers:
            newcomer = next(iter(self._filing.newcomers.values()))
            del self._filing.newcomers[newcomer.layer]
            if self._show(newcomer):
                return True
            if self._clock() > end_s:
                return False
        return False

    def _show_more(self) -> int:
        """Show more of what is too much for one turn; return how long to leave the window alone, in ms."""
        began_s = self._clock()
        if began_s < self._more_at_s:
            return round((self._more_at_s - began_s) * 1e3) + 1
        if not self._canvas.show_more():
            return 0
        took_s = max(_PAUSE_MS / 1e3, self._clock() - began_s)
        self._more_at_s = self._clock() + took_s
        return round(took_s * 1e3)

    def _show(self, newcomer: Newcomer) -> bool:
        try:
            took_time = self._canvas.add_layer(newcomer.layer, newcomer.first_index)
        except Exception as error:
            _log.exception("layer %s could not be shown", newcomer.layer.name)
            self._store.remove(newcomer.layer)
            for ticket in newcomer.tickets:
                self._inbox.settle(ticket, f"its layer could not be shown: {error}")
            return True
        for ticket in newcomer.tickets:
            self._inbox.settle(ticket)
        for ticket in newcomer.superseded:
            self._inbox.supersede(ticket)
        return took_time

    @property
    def _has_news(self) -> bool:
        return self._filing.has_news or self.following.newest is not None

    def _refresh_when_due(self) -> None:
        if not self._has_news:
            return
        wait_s = self._pace.wait_s(is_followed=self.following.newest is not None)
        if wait_s <= 0:
            self._refresh_now()
            return
        wait_ms = math.ceil(wait_s * 1e3)
        if not 0 <= self._frame.remainingTime() <= wait_ms:
            self._frame.start(wait_ms)

    def _refresh_now(self) -> None:
        if self._is_stopped or not self._has_news:
            return
        self._pace.begin()
        try:
            self._follow_newest()
            tables, self._filing.tables = tuple(self._filing.tables), {}
            if tables:
                self._canvas.features_changed(tables)
            dirty, self._filing.dirty = tuple(self._filing.dirty), {}
            if dirty or self._filing.has_lost:
                self._filing.has_lost = False
                self._canvas.refresh(dirty)
        except Exception:
            _log.exception("layers could not be refreshed")

    def painted(self) -> None:
        """Hear that the window has been composed anew."""
        self._pace.done()

    def _follow_newest(self) -> None:
        if self.following.newest is None or self.following.newest[0] in self._filing.newcomers:
            return
        newest = self.following.take()
        if newest is not None and newest[0].stack.plane(newest[1]) is not None:
            # The axes have to have the place before the sliders can go there.
            self._follow_axes()
            if self._canvas.follow(*newest):
                # napari has drawn all visible layers anew.
                self._filing.dirty.clear()

    def _answer(self, command: Command) -> None:
        self._follow_axes()
        self._refresh_now()
        try:
            answer, blobs = self._commands.answer(command.name, command.args)
        except (PlatecastError, LookupError, ValueError, TypeError) as error:
            # str() of a KeyError is its repr; the message itself is the argument.
            answer, blobs = {"error": str(error.args[0]) if error.args else str(error)}, ()
        except Exception as error:
            _log.exception("command %s failed", command.name)
            answer, blobs = {"error": f"{type(error).__name__}: {error}"}, ()
        command.reply(answer, blobs)
        if command.name == "quit" and "error" not in answer:
            self.stop()
            # After this turn: closing deletes widgets whose events may still be on the stack.
            QTimer.singleShot(0, self._canvas.close)

    def _regroup(self, sliced: Sequence[str] | None) -> None:
        """Let other components be layers."""
        regrouping = self._store.regroup(sliced)
        for ticket in regrouping.superseded:
            if isinstance(ticket, Ticket):
                self._inbox.supersede(ticket)
        self._filing.dirty.clear()
        self.following.forget()
        for layer in self._canvas.regroup(regrouping):
            self._filing.newcomers[layer] = Newcomer(layer, layer.stack.indices[0])

    def _clear(self, run: str | None, step: StepName | None, earlier_runs: bool) -> Cleared:
        """Let layers go; see `clear`."""
        self._filing.dirty.clear()
        self.following.forget()
        self._filing.tables.clear()
        return clear(self._store, self._canvas, self._watch, run=run, step=step, earlier_runs=earlier_runs)

    def submit(self, name: str, reply: Reply = _nobody, **args: object) -> None:
        """Carry a command out as if it had been asked for by message, in its place among the planes.

        Parameters
        ----------
        name, **args
            As `docs/protocol.md` tells them.
        reply
            Called with the answer and its attachments.
        """
        self._held.append(Command(name, args, reply))
        self._next_turn.start()
