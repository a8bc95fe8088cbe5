"""Steps over a plate: what a pipeline is, whether it can run, and running it, one well a task.

Knows how images become results on disk. How they are shown is left to `platecast.stream`, and what a
step computes to whoever wrote it.
"""

from platecast.pipeline._compile import CompiledRun, compile_run
from platecast.pipeline._record import WellEntry, read_record, read_wells
from platecast.pipeline._report import Failure, Progress, RunReport
from platecast.pipeline._run import execute, run
from platecast.pipeline._runfile import RunStatus, list_runs, runs_dir, stop_run
from platecast.pipeline._steps import Pipeline, Step
from platecast.pipeline._tune import tune

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
