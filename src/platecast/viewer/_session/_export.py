"""Writes what a window shows into an OME-Zarr store, beside the window's loop."""

import enum
import logging
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qtpy.QtCore import QObject
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined]  # renamed where mypy does not look

from platecast.errors import PlatecastError
from platecast.layers import HeldPlane, LayerStore
from platecast.storage import FileManager, ZarrBackend
from platecast.viewer._session._clearing import select
from platecast.viewer._session._export_plan import ExportPlan, PlannedPlane, of_run, plan_export
from platecast.viewer._session._steps import StepName

_log = logging.getLogger(__name__)

_GONE = "it was cleared before its turn came"


class ExportState(enum.StrEnum):
    """How far an export is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """An export at one moment.

    Parameters
    ----------
    path
        The store.
    state
        How far it is.
    written, planes
        How many planes are in the store, of how many.
    skipped
        How many planes are left out, by reason.
    failure
        Why it failed.
    """

    path: str
    state: ExportState
    written: int
    planes: int
    skipped: dict[str, int]
    failure: str = ""

    def __str__(self) -> str:
        left_out = "".join(f"; {count} left out: {reason}" for reason, count in self.skipped.items())
        error = f": {self.failure}" if self.failure else ""
        return f"{self.written:,} of {self.planes:,} planes in {self.path}, {self.state}{error}{left_out}"


class Export(QObject):
    """One export in a thread of its own. Everything but `cancel` is for the window's thread.

    Parameters
    ----------
    plan
        What to write where.
    """

    progressed = QtSignal()
    """More is written, or it has ended; comes in the window's thread."""

    def __init__(self, plan: ExportPlan) -> None:
        super().__init__()
        self._plan = plan
        self._written = 0
        self._skipped = Counter(plan.skipped)
        self._state = ExportState.RUNNING
        self._error = ""
        self._is_cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platecast-export")

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(
            str(self._plan.target),
            self._state,
            self._written,
            self._plan.planes,
            dict(self._skipped),
            self._error,
        )

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._state is ExportState.RUNNING

    def start(self) -> None:
        """Begin.

        Raises
        ------
        FileExistsError
            The store is there already: nothing is mixed with what somebody else wrote.
        """
        if self._plan.target.exists():
            raise FileExistsError(f"export: {self._plan.target} is there already: name another store")
        self._thread.start()

    def cancel(self) -> None:
        """End soon; what is written stays, and is a valid store. For any thread."""
        self._is_cancelled.set()

    def stop(self) -> None:
        """End and wait for it; for a window that closes."""
        self.cancel()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        state = ExportState.DONE
        try:
            with FileManager() as files:
                self._declare(files)
                for batch in self._plan.batches:
                    if self._is_cancelled.is_set():
                        state = ExportState.CANCELLED
                        break
                    self._write(files, batch)
                    self.progressed.emit()
        except (PlatecastError, OSError) as error:
            state, self._error = ExportState.FAILED, str(error)
        except Exception as error:
            # The edge of the thread: whoever asked hears of it all the same.
            _log.exception("the export to %s failed", self._plan.target)
            state, self._error = ExportState.FAILED, f"{type(error).__name__}: {error}"
        self._state = state
        self.progressed.emit()

    def _declare(self, files: FileManager) -> None:
        backend = files.backend("zarr")
        assert isinstance(backend, ZarrBackend)  # noqa: S101 -- for the type checker
        for folder, layout in self._plan.layouts.items():
            backend.declare(folder, layout)

    def _write(self, files: FileManager, batch: tuple[PlannedPlane, ...]) -> None:
        pixels, paths = [], []
        for planned in batch:
            plane = planned.layer.stack.plane(planned.index)
            if plane is None:
                self._skipped[_GONE] += 1
                continue
            try:
                # Not kept: nobody looks at it, and what is looked at would have to give way.
                pixels.append(plane.pixels(keep=False) if isinstance(plane, HeldPlane) else np.asarray(plane))
            except OSError as error:
                self._skipped[str(error)] += 1
                continue
            paths.append(planned.path)
        if paths:
            files.save_batch(pixels, paths, "zarr", kind=batch[0].layer.key.kind)
            self._written += len(paths)


class Exports:
    """The exports of a window, one at a time. For the window's thread.

    Parameters
    ----------
    store
        What is written.
    """

    def __init__(self, store: LayerStore) -> None:
        self._store = store
        self._latest: Export | None = None

    @property
    def latest(self) -> Export | None:
        """The export that began last."""
        return self._latest

    def begin(self, path: str, *, run: str | None = None, step: StepName | None = None) -> Export:
        """Begin to write the planes of a run, by default of the newest, or of one of its steps.

        Raises
        ------
        ValueError
            Another export is running, the path is no store, or there is nothing to write.
        LookupError
            There is no such run or step.
        FileExistsError
            The store is there already.
        """
        if self._latest is not None and self._latest.is_running:
            raise ValueError(f"an export is running: {self._latest.progress}")
        layers = of_run(self._store.layers, run)
        layers = select(layers, step=step)
        plates = {layer.key.plate: self._store.calibration(layer.key.plate) for layer in layers}
        export = Export(plan_export(layers, Path(path).expanduser().absolute(), plates))
        export.start()
        self._latest = export
        return export

    def stop(self) -> None:
        """End the export that is running; for a window that closes."""
        if self._latest is not None:
            self._latest.stop()
