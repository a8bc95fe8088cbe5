"""Images on their way to viewers, also to such that are not there yet: queued by address, none is lost."""

import functools
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field

from qtpy.QtCore import QObject, QTimer
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.config import NapariStreamingConfig
from platecast.gui._parts._background import Background
from platecast.storage import Plate, PlateImage
from platecast.stream import Ledger, PlateProgress, Stream, send_images

_LOOK_MS = 200
_DRAWN_MS = 30
"""Sending begins when the window has drawn what is new: beside threads that read headers that takes five
times as long, and the window stands still meanwhile."""
_THREADS = 2


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """What became of the images that were meant for one viewer.

    Parameters
    ----------
    total
        Images that were sent by the user.
    waiting
        Those whose viewer is not there yet, or whose turn has not come.
    reading
        Those whose headers are being read.
    ledger
        The account of the others.
    """

    total: int = 0
    waiting: int = 0
    reading: int = 0
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def on_the_way(self) -> int:
        """Those of which it is not known yet what becomes of them."""
        return self.waiting + self.reading + self.ledger.pending

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way."""
        return not self.on_the_way

    def __str__(self) -> str:
        ledger = self.ledger
        parts = [
            (ledger.shown + ledger.superseded, "shown"),
            (self.on_the_way, "waiting"),
            (ledger.failed, "failed"),
            (ledger.dropped, "dropped"),
        ]
        told = ", ".join(f"{count:,} {word}" for count, word in parts if count or word == "shown")
        return f"{self.total:,} {'image' if self.total == 1 else 'images'}: {told}"


class Target:
    """A viewer for which images are meant; made by `Deliveries`.

    Parameters
    ----------
    port
        Its data port; `None` until it is known.
    title
        What it is called.
    config
        How images are shown there.
    """

    def __init__(self, port: int | None, title: str, config: NapariStreamingConfig) -> None:
        self.port = port
        self.title = title
        self.config = config
        self.error = ""
        """Why nothing goes on."""
        self._lock = threading.Lock()
        self._queue: deque[tuple[Plate, tuple[PlateImage, ...]]] = deque()
        self._stream: Stream | None = None
        self._total = 0
        self._in_hand = 0
        self._read = 0

    @property
    def name(self) -> str:
        """How the target is called in a list."""
        where = f"Port {self.port}" if self.port is not None else "New viewer"
        return f"{where} · {self.title}"

    @property
    def count(self) -> DeliveryCount:
        """The count at this moment; for any thread."""
        with self._lock:
            waiting = sum(len(images) for _, images in self._queue)
            ledger = Ledger() if self._stream is None else self._stream.report()
            return DeliveryCount(self._total, waiting, max(0, self._in_hand - self._read), ledger)

    def put(self, plate: Plate, images: Sequence[PlateImage]) -> None:
        """Queue images; for any thread."""
        with self._lock:
            self._queue.append((plate, tuple(images)))
            self._total += len(images)

    def forget_waiting(self) -> None:
        """Let go of images whose turn has not come."""
        with self._lock:
            self._total -= sum(len(images) for _, images in self._queue)
            self._queue.clear()

    def send_waiting(self, stop: threading.Event) -> None:
        """Send what is queued, one plate after the other; blocks while headers are read.

        What could not be sent, because of an error that is raised, is queued again.

        Parameters
        ----------
        stop
            Ends it, after the few headers that are being read.

        Raises
        ------
        CancelledError
            It was told to stop.
        """

        def note(progress: PlateProgress) -> None:
            self._read = progress.done
            if stop.is_set():
                raise CancelledError

        if self._stream is None:
            fields = self.config.model_dump(exclude_unset=True) | {"napari_port": self.port}
            stream = Stream(config=NapariStreamingConfig(**fields), start_viewer=False)
            with self._lock:
                self._stream = stream
        stream = self._stream
        while True:
            with self._lock:
                if not self._queue:
                    return
                plate, images = self._queue.popleft()
                self._in_hand, self._read = len(images), 0
            try:
                send_images(stream, plate, images=images, on_progress=note)
            except BaseException:
                with self._lock:
                    self._queue.appendleft((plate, images))
                    self._in_hand = 0
                raise
            with self._lock:
                self._in_hand = 0


class Deliveries(QObject):
    """Sends images to viewers, one batch after the other for each. For the window's thread.

    Parameters
    ----------
    parent
        Its owner.
    """

    changed = QtSignal()
    """The counts have changed, or the targets; a few times a second at most."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(_THREADS, self)
        self._busy: set[Target] = set()
        self._next: list[Target] = []
        """Those of the busy ones whose sending begins as soon as the window has drawn."""
        self._targets: list[Target] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._drawn = QTimer(self)
        self._drawn.setSingleShot(True)
        self._drawn.setInterval(_DRAWN_MS)
        self._drawn.timeout.connect(self._begin)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The viewers for which images are meant, or were."""
        return tuple(self._targets)

    def expect(self, title: str, config: NapariStreamingConfig) -> Target:
        """Return the target for a viewer that is being started; images wait until `arrive`."""
        target = Target(None, title, config)
        self._targets.append(target)
        self.changed.emit()
        return target

    def arrive(self, target: Target, port: int) -> None:
        """Say on which port an expected viewer listens: what waits for it is sent."""
        target.port = port
        target.error = ""
        # Its port had another viewer before: that target's account is closed.
        self._targets = [each for each in self._targets if each is target or each.port != port]
        self._go_on(target)

    def fail(self, target: Target, reason: str) -> None:
        """Say that an expected viewer does not come; what waits for it goes on waiting."""
        target.error = reason
        if not target.count.total:
            self._targets.remove(target)
        self.changed.emit()

    def target_on(self, port: int, title: str, config: NapariStreamingConfig) -> Target:
        """Return the target on a port; title and config are taken where there is none yet."""
        for target in self._targets:
            if target.port == port:
                return target
        target = Target(port, title, config)
        self._targets.append(target)
        return target

    def send(self, target: Target, plate: Plate, images: Sequence[PlateImage]) -> None:
        """Send images of a plate, or let them wait for the viewer."""
        target.put(plate, images)
        self._go_on(target)

    def discard(self, target: Target) -> None:
        """Let go of what waits for a viewer, and of the target."""
        target.forget_waiting()
        if target in self._targets:
            self._targets.remove(target)
        self.changed.emit()

    def stop(self) -> None:
        """Send nothing any more but what is on its way."""
        self._timer.stop()
        self._drawn.stop()
        self._background.stop()

    def close(self) -> None:
        """`stop`, and wait for the threads, see `Background.close`."""
        self.stop()
        self._background.close()

    def _go_on(self, target: Target) -> None:
        self.changed.emit()
        if target.port is None or target in self._busy:
            return
        self._busy.add(target)
        self._next.append(target)
        self._timer.start()
        self._drawn.start()

    def _begin(self) -> None:
        begun, self._next = self._next, []
        for target in begun:
            self._background.run(
                target.send_waiting,
                functools.partial(self._end, target, ""),
                functools.partial(self._end, target),
            )

    def _end(self, target: Target, error: str, _sent: None = None) -> None:
        self._busy.discard(target)
        target.error = error
        if not error and target.count.waiting:
            self._go_on(target)
        self.changed.emit()

    def _look(self) -> None:
        """Tell how far it is, as long as something moves; the streams have no other way to say so."""
        self.changed.emit()
        if not self._busy and all(target.count.ledger.settled for target in self._targets):
            self._timer.stop()
