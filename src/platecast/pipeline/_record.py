"""What a run leaves beside its results: ``run.json``, and ``wells.jsonl`` with a line for each well.

The lines are what a resumed run goes by. They are appended when all results of a well rest, so that a run may
be killed at any time: a last line that is not whole is left out.
"""

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from platecast._version import __version__
from platecast.config import PipelineConfig, Resolved
from platecast.errors import StorageError
from platecast.pipeline._fingerprint import function_name, library_versions, unwrap
from platecast.pipeline._plan import RunPlan, WellResult
from platecast.pipeline._report import RunReport
from platecast.pipeline._results import Stored, files_folder, write_text

RECORD_NAME = "run.json"
JOURNAL_NAME = "wells.jsonl"


class WellEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One finished well."""

    well: str
    images: str
    """Changes with the well's images."""
    steps: tuple[str, ...]
    """Each changes with the code and the parameters of a step and of those before it."""
    run: str
    stored: tuple[Stored, ...]
    failures: tuple[str, ...] = ()
    """What could not be processed; a resumed run tries a well with failures again."""
    tracebacks: tuple[str, ...] = ()
    """Where each failure happened, as Python prints it; empty for a worker that was lost."""
    seconds: Mapping[str, float] = {}
    worker: str = ""


class Journal:
    """The finished wells of an output folder, read once and appended to.

    Parameters
    ----------
    output
        The run's output.
    keep
        Go on with what earlier runs have written; otherwise it is emptied.
    """

    def __init__(self, output: Path, *, keep: bool) -> None:
        self.path = files_folder(output) / JOURNAL_NAME
        self.entries = {entry.well: entry for entry in read_journal(output)} if keep else {}
        lines = [msgspec.json.encode(entry).decode() for entry in self.entries.values()]
        write_text(self.path, "".join(f"{line}\n" for line in lines))

    def add(self, result: WellResult, images: str, steps: tuple[str, ...], run: str) -> None:
        """Append a well all of whose results rest.

        Raises
        ------
        StorageError
            It could not be written.
        """
        entry = WellEntry(
            well=result.task.well,
            images=images,
            steps=steps,
            run=run,
            stored=result.stored,
            failures=tuple(map(str, result.failures)),
            tracebacks=tuple(failure.traceback for failure in result.failures),
            seconds={name: round(value, 6) for name, value in result.seconds.items()},
            worker=result.worker,
        )
        self.entries[entry.well] = entry
        try:
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
        except OSError as error:
            raise StorageError(f"{self.path} could not be written: {error}") from error

    def finished(self, well: str, images: str, steps: tuple[str, ...]) -> WellEntry | None:
        """Return a well that was finished with the same steps and images, without failures."""
        entry = self.entries.get(well)
        if entry is None or entry.failures or (entry.images, entry.steps) != (images, steps):
            return None
        return entry if all(_rests(stored.address) for stored in entry.stored) else None


def read_journal(output: Path) -> list[WellEntry]:
    """Return the finished wells of an output folder; none where there is no journal."""
    return read_wells(output)[0]


def read_wells(output: Path, offset: int = 0) -> tuple[list[WellEntry], int]:
    """Return the wells that were finished since the journal was last read, and where to go on next time.

    Parameters
    ----------
    output
        The output of a run, one that goes on, too.
    offset
        What this returned the last time; 0 reads all. A journal that is shorter was begun anew, and all of
        it is read.
    """
    try:
        with (files_folder(output) / JOURNAL_NAME).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            offset = offset if offset <= size else 0
            file.seek(offset)
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return [], 0
    entries = []
    for line in lines:
        if not line.endswith(b"\n"):
            break  # it is being written, or the run was killed
        offset += len(line)
        try:
            entries.append(msgspec.json.decode(line, type=WellEntry))
        except msgspec.DecodeError:
            continue
    return entries, offset


def write_record(
    plan: RunPlan,
    plate: str,
    settings: Mapping[str, Resolved[PipelineConfig]],
    report: RunReport,
    entries: Iterable[WellEntry],
) -> Path:
    """Write ``run.json`` and return its path.

    Raises
    ------
    StorageError
        It could not be written.
    """
    path = files_folder(plan.output) / RECORD_NAME
    seconds: dict[str, float] = {}
    for entry in entries:
        for name, value in entry.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + value
    record = {
        "run": report.run,
        "state": report.state,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "plate": plate,
        "output": str(plan.output),
        "steps": [_step_facts(plan, number) for number in range(1, len(plan.pipeline.steps) + 1)],
        "configuration": {name: _settings(each) for name, each in settings.items()},
        "versions": _versions(plan),
        "wells": {"all": report.wells, "skipped": report.wells_skipped, "done": report.wells_done},
        "planes": {"in": report.planes_in, "written": report.planes_written},
        "tables": [str(table) for table in report.tables],
        "seconds_in": {name: round(value, 3) for name, value in seconds.items()},
        "ledger": {
            name: getattr(report, f"planes_{name}")
            for name in ("sent", "shown", "superseded", "failed", "dropped", "pending")
        },
        "failures": [
            {"failure": str(failure), "traceback": failure.traceback} for failure in report.failures
        ],
    }
    write_text(path, msgspec.json.format(msgspec.json.encode(record)).decode() + "\n")
    return path


def read_record(output: Path) -> dict[str, Any] | None:
    """Return the record of the last run into an output; `None` where there is none."""
    try:
        found = msgspec.json.decode((files_folder(output) / RECORD_NAME).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return None
    return found


def _rests(address: str) -> bool:
    backend, _, path = address.partition(":")
    # Planes of a store were moved into place before the well was noted.
    return backend == "zarr" or os.path.exists(path)


def _step_facts(plan: RunPlan, number: int) -> dict[str, Any]:
    step = plan.pipeline.steps[number - 1]
    plain = unwrap(step.func)
    return {
        "index": number,
        "name": step.name,
        "function": function_name(plain),
        "parameters": {name: _plain(value) for name, value in step.params.items()},
        "inputs": [ref for _, ref in plan.pipeline.inputs_of(number)],
        "over": list(step.over),
        "only": {name: sorted(map(str, values)) for name, values in step.only.items()},
    }


def _settings(settings: Resolved[PipelineConfig]) -> dict[str, Any]:
    return {
        "values": settings.value.model_dump(mode="json"),
        "origins": dict(settings.origins),
    }


def _versions(plan: RunPlan) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "system": f"{sys.platform} {platform.machine()}",
        "platecast": __version__,
        "numpy": np.__version__,
        **library_versions(unwrap(step.func) for step in plan.pipeline.steps),
    }


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str | None) else repr(value)
