"""One run as the window knows it, and how it is read from its files. For threads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from platecast.pipeline import RunStatus, WellEntry, list_runs, read_record, read_wells

RUNNING = ("running", "stopping")
ENDED = "ended early"
"""Its process is gone, and it left no record: it was killed or crashed."""


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Something that could not be processed.

    Parameters
    ----------
    well
        Its well; empty where that is not known.
    text
        What and why, in one line.
    traceback
        Where, as Python prints it.
    """

    well: str
    text: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run at one moment.

    Parameters
    ----------
    status
        What its file said last.
    state
        ``"running"``, ``"stopping"``, ``"finished"``, ``"stopped"`` or `ENDED`.
    wells
        Finished wells by label, and whether they have failures.
    skipped
        Those of them that an earlier run had finished.
    failures
        What could not be processed, in the order in which it happened.
    offset
        How far its journal was read.
    """

    status: RunStatus
    state: str
    wells: Mapping[str, bool] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    failures: Sequence[RunFailure] = ()
    offset: int = 0

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.state in RUNNING

    @property
    def rate(self) -> float | None:
        """Results written a second."""
        seconds = self.status.seconds
        return self.status.planes_written / seconds if seconds > 0 else None


def read_runs(known: Mapping[str, RunView]) -> dict[str, RunView]:
    """Return all runs as they are now: those that go on, and those that were known and have ended.

    Parameters
    ----------
    known
        What this returned before, by run.
    """
    running = {status.run: status for status in list_runs()}
    views: dict[str, RunView] = {}
    for run, view in known.items():
        if run in running:
            views[run] = _go_on(view, running.pop(run))
        else:
            views[run] = _end(view) if view.is_running else view
    for run, status in running.items():
        views[run] = _go_on(RunView(status, status.state), status)
    return views


def _go_on(view: RunView, status: RunStatus) -> RunView:
    view = replace(view, status=status, state=status.state)
    if status.wells_done == len(view.wells):
        return view
    return _read_journal(view)


def _read_journal(view: RunView) -> RunView:
    entries, offset = read_wells(Path(view.status.output), view.offset)
    wells, failures = dict(view.wells), list(view.failures)
    skipped = set(view.skipped)
    for entry in entries:
        wells[entry.well] = bool(entry.failures)
        if entry.run != view.status.run:
            skipped.add(entry.well)
        else:
            skipped.discard(entry.well)
            failures += _failures_of(entry)
    return replace(view, wells=wells, skipped=frozenset(skipped), failures=tuple(failures), offset=offset)


def _failures_of(entry: WellEntry) -> list[RunFailure]:
    tracebacks = (*entry.tracebacks, *[""] * len(entry.failures))
    return [
        RunFailure(entry.well, text, trace) for text, trace in zip(entry.failures, tracebacks, strict=False)
    ]


def _end(view: RunView) -> RunView:
    """Return a run whose file has gone, as its record tells it."""
    view = _read_journal(view)
    record: dict[str, Any] | None = read_record(Path(view.status.output))
    if record is None or record.get("run") != view.status.run:
        return replace(view, state=ENDED)
    status = view.status
    wells = record.get("wells", {})
    planes = record.get("planes", {})
    done = int(wells.get("done", 0)) + int(wells.get("skipped", 0))
    changed = {
        "wells_done": done,
        "planes_done": status.planes_total if done == status.wells_total else status.planes_done,
        "planes_written": int(planes.get("written", status.planes_written)),
        "failures": len(record.get("failures", ())),
        "seconds": float(record.get("seconds", status.seconds)),
    }
    return replace(
        view, status=msgspec.structs.replace(status, **changed), state=str(record.get("state", ENDED))
    )
