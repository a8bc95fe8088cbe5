"""What a run shows of itself, and where everything that goes wrong with showing ends."""

import logging
import time
from collections.abc import Callable, Sequence

from platecast.components import Components, Kind, PlateLayout, StepId
from platecast.config import NapariStreamingConfig
from platecast.manager import find_viewer
from platecast.records import Records
from platecast.stream import Ledger, Stream

FLUSH_TIMEOUT_S = 10.0
"""How long a worker that is done waits for the viewer to take something of what it sent."""
START_PATIENCE_S = 60.0
"""How long it waits for a window that is being built; napari is read from a cold or distant disk, too."""

_NOT_SENT = "could not be sent"

_logger = logging.getLogger(__name__)


class Screen:
    """One process's way to the viewers; no method raises, because a run does not depend on being watched.

    The first error is logged with its traceback. A plane that could not even be handed to the stream
    counts as sent and failed.

    Parameters
    ----------
    configs
        The different ways to show that steps have chosen; none where nothing is shown.
    run
        Identifier of the run.
    """

    def __init__(self, configs: Sequence[NapariStreamingConfig], run: str) -> None:
        self._refused = 0
        self._complained = False
        self._streams: dict[NapariStreamingConfig, Stream] = {}
        self._account = Ledger()
        for config in configs:
            try:
                self._streams[config] = Stream(run=run, config=config)
            except Exception as error:
                self._complain("opening the stream", error)

    def announce(self, layouts: Sequence[PlateLayout]) -> None:
        """Tell the viewers what will come."""
        try:
            for stream in self._streams.values():
                for layout in layouts:
                    stream.announce(layout)
        except Exception as error:
            self._complain("announcing the plate", error)

    def show(
        self,
        plane: object,
        components: Components,
        *,
        kind: Kind,
        step: StepId,
        address: str | None,
        config: NapariStreamingConfig,
    ) -> None:
        """Send one plane, whose pixels are copied before this returns."""
        self._send(
            lambda stream: stream.send_components(plane, components, kind=kind, step=step, address=address),
            lambda: f"sending {components!r} of step {step.index} {step.name}",
            config,
        )

    def show_records(
        self,
        make: Callable[[], Records],
        components: Components,
        *,
        step: StepId,
        config: NapariStreamingConfig,
    ) -> None:
        """Send a table or points, which `make` returns."""
        self._send(
            lambda stream: stream.send_records(make(), components, step=step),
            lambda: f"sending records of {components!r}, step {step.index} {step.name}",
            config,
        )

    def _send(
        self, send: Callable[[Stream], None], doing: Callable[[], str], config: NapariStreamingConfig
    ) -> None:
        stream = self._streams.get(config)
        try:
            if stream is not None:
                send(stream)
                return
        except Exception as error:
            self._complain(doing(), error)
        self._refused += 1

    def ledger(self) -> Ledger:
        """Return the account as it stands."""
        try:
            self._account = sum((stream.report() for stream in self._streams.values()), Ledger())
        except Exception as error:
            self._complain("asking for the account", error)
        return self._account + self._not_sent()

    def close(self, on_wait: Callable[[], None] = lambda: None) -> Ledger:
        """Wait while viewers take what was sent, or are being started, and return the final account.

        Parameters
        ----------
        on_wait
            Called whenever another `FLUSH_TIMEOUT_S` are waited.
        """
        streams, self._streams = self._streams, {}
        account = Ledger()
        for config, stream in streams.items():
            try:
                account += _settle(stream, config, on_wait)
            except Exception as error:
                self._complain("closing the stream", error)
        return account + self._not_sent()

    def _not_sent(self) -> Ledger:
        reasons = {_NOT_SENT: self._refused} if self._refused else {}
        return Ledger(sent=self._refused, failed=self._refused, failure_reasons=reasons)

    def _complain(self, doing: str, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            _logger.error(
                "images of this run may not be shown, their results are written all the same: %s failed",
                doing,
                exc_info=error,
            )


def _settle(stream: Stream, config: NapariStreamingConfig, on_wait: Callable[[], None]) -> Ledger:
    """Return a stream's account when nothing is pending, or nothing more is to be expected."""
    patience_ends_s = time.monotonic() + START_PATIENCE_S
    before, account = stream.report(), stream.close(FLUSH_TIMEOUT_S)
    while account.pending and (
        account.pending < before.pending or (time.monotonic() < patience_ends_s and _is_starting(config))
    ):
        on_wait()
        before, account = account, stream.close(FLUSH_TIMEOUT_S)
    return account


def _is_starting(config: NapariStreamingConfig) -> bool:
    viewer = find_viewer(config.napari_port) if config.is_local else None
    return viewer is not None and viewer.state == "starting"
