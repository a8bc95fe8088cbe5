"""Steps over a plate: what a pipeline is, whether it can run, and running it, one well a task.

Knows how images become results on disk. How they are shown is left to `platecast.stream`, and what a
step computes to whoever wrote it.

Public names are loaded when they are first used: a worker process needs neither what checks and starts a run
nor, where nothing is shown, what sends.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platecast.pipeline._compile import CompiledRun, compile_run
    from platecast.pipeline._record import WellEntry, read_record, read_wells
    from platecast.pipeline._report import Failure, Progress, RunReport
    from platecast.pipeline._run import execute, run
    from platecast.pipeline._runfile import RunStatus, list_runs, runs_dir, stop_run
    from platecast.pipeline._steps import Pipeline, Step
    from platecast.pipeline._tune import tune

_HOME = {
    "_compile": ("CompiledRun", "compile_run"),
    "_record": ("WellEntry", "read_record", "read_wells"),
    "_report": ("Failure", "Progress", "RunReport"),
    "_run": ("execute", "run"),
    "_runfile": ("RunStatus", "list_runs", "runs_dir", "stop_run"),
    "_steps": ("Pipeline", "Step"),
    "_tune": ("tune",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "CompiledRun",
    "Failure",
    "Pipeline",
    "Progress",
    "RunReport",
    "RunStatus",
    "Step",
    "WellEntry",
    "compile_run",
    "execute",
    "list_runs",
    "read_record",
    "read_wells",
    "run",
    "runs_dir",
    "stop_run",
    "tune",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- the type is that of the name, see TYPE_CHECKING
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'platecast.pipeline' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"platecast.pipeline.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
