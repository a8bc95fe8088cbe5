"""What a run shows of itself, and where everything that goes wrong with showing ends."""

import logging
from collections.abc import Sequence

from platecast.components import Components, Kind, PlateLayout, StepId
from platecast.config import NapariStreamingConfig
from platecast.stream import Ledger, Stream

FLUSH_TIMEOUT_S = 10.0
"""How long a worker that is done waits for the viewer to take what it sent."""

_NOT_SENT = "could not be sent"

_logger = logging.getLogger(__name__)


class Screen:
    """One process's way to the viewer; no method raises, because a run does not depend on being watched.

    The first error is logged with its traceback. A plane that could not even be handed to the stream
    counts as sent and failed.

    Parameters
    ----------
    config
        Whether and where to show.
    run
        Identifier of the run.
    """

    def __init__(self, config: NapariStreamingConfig, run: str) -> None:
        self._enabled = config.enabled
        self._refused = 0
        self._complained = False
        self._stream: Stream | None = None
        self._account = Ledger()
        if not self._enabled:
            return
        try:
            self._stream = Stream(run=run, config=config)
        except Exception as error:
            self._complain("opening the stream", error)

    def announce(self, layouts: Sequence[PlateLayout]) -> None:
        """Tell the viewer what will come."""
        if self._stream is None:
            return
        try:
            for layout in layouts:
                self._stream.announce(layout)
        except Exception as error:
            self._complain("announcing the plate", error)

    def show(self, plane: object, components: Components, *, kind: Kind, step: StepId, address: str) -> None:
        """Send one plane, whose pixels are copied before this returns."""
        if not self._enabled:
            return
        try:
            if self._stream is not None:
                self._stream.send_components(plane, components, kind=kind, step=step, address=address)
                return
        except Exception as error:
            self._complain(f"sending {components!r} of step {step.index} {step.name}", error)
        self._refused += 1

    def ledger(self) -> Ledger:
        """Return the account as it stands."""
        if self._stream is not None:
            try:
                self._account = self._stream.report()
            except Exception as error:
                self._complain("asking for the account", error)
        reasons = {_NOT_SENT: self._refused} if self._refused else {}
        return self._account + Ledger(sent=self._refused, failed=self._refused, failure_reasons=reasons)

    def close(self, timeout_s: float = FLUSH_TIMEOUT_S) -> Ledger:
        """Wait until everything is settled or time is up, and return the final account."""
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                self._account = stream.close(timeout_s)
            except Exception as error:
                self._complain("closing the stream", error)
        return self.ledger()

    def _complain(self, doing: str, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            _logger.error(
                "images of this run may not be shown, their results are written all the same: %s failed",
                doing,
                exc_info=error,
            )
