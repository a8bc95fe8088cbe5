"""The one thread that talks to the viewer on a port, for all streams of this process.

It looks for the viewer, greets it, sends what waits as far as the viewer's window allows, takes in what
the viewer says became of it, and starts over when the viewer goes away. Callers only copy and queue.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from platecast.components import PlateLayout
from platecast.errors import PlatecastError, ProtocolError
from platecast.stream._flow import Flow
from platecast.stream._outbox import Outbox
from platecast.stream._session import Session
from platecast.stream._silence import FAR_SILENCE_S, Silence
from platecast.stream._sleep import Sleep
from platecast.stream._staged import Staged
from platecast.stream._staging import Staging
from platecast.stream._starter import Starter
from platecast.stream._transmitter import Transmitter
from platecast.wire import (
    PROTOCOL_VERSION,
    Ack,
    Hello,
    MemoryKind,
    Pairing,
    PlaneMemory,
    Segment,
    SegmentPool,
    SenderSockets,
    Spilled,
    Welcome,
    load_codecs,
    memory_group,
    memory_kind,
    new_instance,
    process_start_time,
    read_endpoint,
)

_log = logging.getLogger(__name__)

_SEEK_INTERVAL_S = 0.1
_IDLE_SEEK_INTERVAL_S = 1.0
_HELLO_INTERVAL_S = 0.25
_REFUSED_RETRY_S = 5.0
_BEAT_INTERVAL_S = 0.5
_ATTACH_TIMEOUT_S = 1.0
_SILENCE_S = 1.5
"""A viewer answers every beat; one that has been silent for this long is stopped, or gone."""
_FAR_RETRY_S = 0.05
_HOPE_INTERVAL_S = 0.1


class Link:
    """The sending end towards the viewer on one port of this machine.

    Parameters
    ----------
    port
        The viewer's data port.
    budget_bytes
        Memory for planes that wait.
    on_failure
        Called in the link's thread with the reason when the viewer reports that a plane failed.
    pairing
        The viewer, where it is on another machine; it is not started from here.
    """

    def __init__(
        self,
        port: int,
        budget_bytes: int,
        on_failure: Callable[[str], None],
        pairing: Pairing | None = None,
    ) -> None:
        self.port = port
        self._pairing = pairing
        self._name = f"port {port}" if pairing is None else f"{pairing.host}, port {pairing.port},"
        self.sender = new_instance()
        self._memory = PlaneMemory(memory_kind())
        is_inline = self._memory.kind is MemoryKind.INLINE
        self.staging = Staging(
            SegmentPool(self._memory.segment, keep_bytes=budget_bytes // 4), is_inline=is_inline
        )
        self._counters = self._memory.counters()
        self.outbox = Outbox(budget_bytes, self._release, self._counters)
        self._transmitter = Transmitter(port, self.sender, self.outbox, self.staging)
        self._on_failure = on_failure
        self._session: Session | None = None
        self._reported: str | None = None
        self._silence = Silence(self._name)
        self._starter = Starter(port)
        self._stopping = threading.Event()
        self._sleep = Sleep(self.outbox)
        self._heard_at = time.monotonic()
        self._rate_bps: float | None = None
        if pairing is not None:
            # Here, where a stream is opened: in the link's thread it would hold up those who send.
            load_codecs()
        self._thread = threading.Thread(target=self._run, name=f"platecast-link-{port}", daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._stopping.is_set()

    @property
    def expecting(self) -> bool:
        """Whether a viewer is being started for this link."""
        return self._starter.is_starting

    def start_viewer(
        self,
        *,
        persistent: bool,
        title: str = "platecast",
        or_next: bool = False,
        memory_budget_mb: float | None = None,
    ) -> None:
        """Find or start a viewer, in the background; planes wait for it meanwhile."""
        if self._pairing is not None:
            return
        if not (self._starter.was_asked and (self.linked or self.expecting)):
            self._starter.start(
                persistent=persistent, title=title, or_next=or_next, memory_budget_mb=memory_budget_mb
            )

    def wait_started(self, timeout_s: float) -> None:
        """Wait for a viewer that is being started."""
        self._starter.wait(timeout_s)

    @property
    def hopeful(self) -> bool:
        """Whether there is a viewer that answers, or one is being started.

        A viewer that is busy answers all the same; one that is stopped does not, and nobody who is about to
        end should wait for it.
        """
        if self.expecting:
            return True
        session = self._session
        if session is not None:
            silence_s = _SILENCE_S if session.flow is None else FAR_SILENCE_S
            return time.monotonic() - session.heard_at < silence_s
        if self._pairing is not None:
            return False
        # The thread looks now and then only: a viewer may be there that it has not met.
        try:
            return read_endpoint(self.port) is not None
        except PlatecastError:
            return False

    def wait_settled(self, stream: int | None, timeout_s: float) -> None:
        """Wait until nothing of a stream (`None`: of any) is pending, while there is hope for it."""
        deadline = time.monotonic() + timeout_s
        with self._sleep.hurried():
            while self.hopeful and (left_s := deadline - time.monotonic()) > 0:
                if self.outbox.wait_settled(stream, min(left_s, _HOPE_INTERVAL_S)):
                    return

    def flush(self, stream: int, timeout_s: float) -> None:
        """Wait until nothing of a stream is pending, whether there is hope for it or not."""
        with self._sleep.hurried():
            self.outbox.wait_settled(stream, timeout_s)

    @property
    def linked(self) -> bool:
        """Whether a viewer takes planes at the moment."""
        session = self._session
        return session is not None and session.ready

    def wait_linked(self, timeout_s: float) -> bool:
        """Wait until a viewer on another machine takes planes; False where it does not in time."""
        deadline = time.monotonic() + timeout_s
        while not self.linked and self._pairing is not None and time.monotonic() < deadline:
            time.sleep(_FAR_RETRY_S)
        return self.linked

    def announce(self, layout: PlateLayout) -> None:
        """Tell every viewer of this link what a plate holds; from any thread."""
        if layout not in self._transmitter.layouts:
            self._transmitter.layouts.append(layout)
        self.wake()

    def wake(self) -> None:
        """Make the thread look for work, unless it does so soon anyway; from any thread."""
        self._sleep.came()

    def close(self) -> int:
        """End the thread and drop what is left; return how many planes that were. Takes at most a second."""
        self._stopping.set()
        self._sleep.end()
        self._thread.join()
        left = self.outbox.drop_all()
        self.staging.close()
        self._counters.close()
        self._memory.close()
        self._sleep.close()
        return left

    def abandon(self) -> None:
        """Let go, in a forked child, of what would hide the parent's end from the viewer."""
        if self._session is not None:
            self._session.sockets.abandon()

    # The rest runs in the link's own thread.

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.outbox.release_rest()
                if self._session is None:
                    self._seek()
                else:
                    self._serve(self._session)
            except ProtocolError as error:
                _log.warning("the viewer on %s broke the protocol: %s", self._name, error)
                self._disconnect()
            except Exception:
                # The edge of the thread: a defect here must neither end the account nor spin.
                _log.exception("streaming to %s failed; trying again", self._name)
                self._disconnect()
                self._stopping.wait(_BEAT_INTERVAL_S)
        if self._session is not None:
            self._session.sockets.say(self.outbox.beat(self.sender, last=True))
            self._session.sockets.close(linger_s=0.5)

    def _seek(self) -> None:
        if self._pairing is not None:
            # Greetings tell whether somebody is there.
            self._session = Session(
                SenderSockets(self._pairing, self._sleep.waker), "", flow=self._new_flow()
            )
            self._session.heard_at = self._heard_at
            return
        try:
            endpoint = read_endpoint(self.port)
        except PlatecastError as error:
            self._report_once(str(error))
            endpoint = None
        if endpoint is not None:
            flow = self._new_flow() if endpoint.tunnel else None
            self._session = Session(SenderSockets(endpoint, self._sleep.waker), endpoint.instance, flow=flow)
            return
        # Without planes to send there is no hurry, and a first plane wakes the thread.
        self._sleep.idle(_SEEK_INTERVAL_S if self.outbox.unsettled else _IDLE_SEEK_INTERVAL_S)
        if self.outbox.unsettled:
            self._stopping.wait(_SEEK_INTERVAL_S)

    def _serve(self, session: Session) -> None:
        pause_s = max(session.pause_until - time.monotonic(), 0.0)
        rests = session.is_calm and pause_s > 0
        if rests:
            # One wake-up for all that happens meanwhile.
            self._sleep.rest(pause_s)
            pause_s = session.pause_until = 0.0
        # Nobody needs to wake us in a pause, nor where the viewer has to speak first. Set before the look at
        # what waits: a plane that comes in between wakes us.
        self._sleep.is_idle = session.ready and not session.full and not pause_s
        is_due = rests or (self._sleep.is_idle and self.outbox.waiting > 0)
        for message in session.sockets.poll(0.0 if is_due else self._patience(session, pause_s)):
            session.heard_at = self._heard_at = time.monotonic()
            if isinstance(message, Welcome):
                self._welcomed(session, message)
            elif isinstance(message, Ack):
                self._acknowledged(session, message)
            else:
                self._report_once(f"the viewer on {self._name} refuses us: {message.reason}")
                # It knew us before: only a new hello helps.
                session.sockets.gone = session.sockets.gone or session.welcome is not None
                session.next_hello = time.monotonic() + _REFUSED_RETRY_S
        self._sleep.is_idle = False
        if session.sockets.gone:
            self._disconnect()
            return
        now = time.monotonic()
        self._greet(session, now)
        if session.ready and (now >= session.pause_until or self.outbox.is_filling):
            self._transmitter.transmit(session, now)
            self._transmitter.retransmit(session, now)
        if session.flow is not None:
            self._report_silence(session, now)
        if now >= session.next_beat and session.welcome is not None:
            session.sockets.say(self.outbox.beat(self.sender))
            session.next_beat = now + _BEAT_INTERVAL_S

    def _patience(self, session: Session, pause_s: float) -> float:
        if session.full:
            return session.retry_s
        if pause_s:
            return pause_s
        now = time.monotonic()
        return max((session.next_beat if session.ready else session.next_hello) - now, 0.001)

    def _greet(self, session: Session, now: float) -> None:
        """Introduce ourselves until the viewer is ready for planes, or turns out to be gone."""
        if session.ready or now < session.next_hello:
            return
        session.next_hello = now + _HELLO_INTERVAL_S
        token = ""
        if self._pairing is None:
            endpoint = read_endpoint(self.port)
            if endpoint is None or endpoint.instance != session.instance:
                self._disconnect()
                return
            token = endpoint.token
        if session.welcome is None:
            hello = Hello(
                version=PROTOCOL_VERSION,
                sender=self.sender,
                token=token,
                pid=os.getpid(),
                memory_group=memory_group(),
                start_time=process_start_time(os.getpid()) or 0.0,
                host="" if session.flow is None else socket.gethostname(),
            )
            if not session.sockets.say(hello):
                session.next_hello = now + session.unanswered_s
                session.unanswered_s = min(2 * session.unanswered_s, _HELLO_INTERVAL_S)
            elif session.hello_at is None:
                session.hello_at = now
        elif session.flow is not None:
            session.inline = True
        elif not session.sockets.attached and now >= session.attach_deadline:
            session.inline = True
            if self._memory.kind is not MemoryKind.INLINE:
                _log.warning(
                    "the viewer on %s shares no memory with this process: pixels travel inside "
                    "messages, at about half the speed",
                    self._name,
                )

    def _welcomed(self, session: Session, welcome: Welcome) -> None:
        if session.welcome is not None:
            return
        session.welcome = welcome
        self.outbox.meet_viewer(welcome.nonce)
        session.sockets.say(self.outbox.beat(self.sender))
        session.attach_deadline = time.monotonic() + _ATTACH_TIMEOUT_S
        session.next_hello = 0.0
        self._reported = None
        if session.flow is not None:
            session.inline = True
            session.flow.rtt_s = time.monotonic() - (session.hello_at or time.monotonic())
            session.sockets.follow(welcome.instance)
            return
        if not session.sockets.attach(welcome, self.sender, self._counters):
            session.attach_deadline = 0.0

    def _acknowledged(self, session: Session, ack: Ack) -> None:
        now = time.monotonic()
        session.acked_at = now
        if ack.received > session.received:
            session.received, session.received_at = ack.received, now
        session.full = False
        told: set[int] = set()
        for staged in self.outbox.acknowledge(ack):
            if session.flow is not None:
                session.flow.settled(staged.seq, now)
            self._release(staged)
            if staged.failure is not None:
                told.add(staged.seq)
        for number in ack.freed:
            self.staging.pool.freed(number)
        for seq, reason in ack.failures:
            # The reason of a failure that we told the viewer is no news.
            if seq not in told:
                self._on_failure(f"plane {seq}: {reason}")

    def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.sockets.close()
            if session.flow is not None:
                self._rate_bps = session.flow.rate_bps
            self.staging.pool.forget_lent()
            self.outbox.forget_viewer()

    def _release(self, staged: Staged) -> None:
        """Let go of pixels that nobody waits for; only what no viewer reads is written again."""
        if isinstance(staged.pixels, Spilled):
            staged.pixels.close()
        if not isinstance(staged.pixels, Segment):
            return
        if not staged.is_shared and (staged.is_free or not staged.numbers):
            self.staging.pool.give_back(staged.pixels)
        elif not staged.is_shared and staged.kept_as is not None:
            self.staging.pool.lend(staged.kept_as, staged.pixels)
        else:
            staged.pixels.close()

    def _new_flow(self) -> Flow:
        return Flow(self._rate_bps)

    def _report_silence(self, session: Session, now: float) -> None:
        silent_s = now - session.heard_at
        if news := self._silence.news(silent_s, self.outbox.unsettled, now):
            _log.warning("%s", news)
        if silent_s < FAR_SILENCE_S and session.ready:
            self._reported = None

    def _report_once(self, message: str) -> None:
        if message != self._reported:
            self._reported = message
            _log.warning("%s", message)
