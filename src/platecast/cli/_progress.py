"""How far a run is, on a terminal and elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from platecast.cli._console import errors
from platecast.pipeline import Progress

_LINE_INTERVAL_S = 10.0


@contextlib.contextmanager
def run_progress(preparing: str) -> Iterator[Callable[[Progress], None]]:
    """Show how far a run is: a bar on a terminal, elsewhere a line every ten seconds and at the end.

    Parameters
    ----------
    preparing
        What is done before the first well is finished.
    """
    if not errors.is_terminal:
        yield _line_writer()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("wells  {task.fields[planes]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=errors) as bar:
        task = bar.add_task(preparing, total=None, planes="")

        def on_progress(done: Progress) -> None:
            bar.update(
                task,
                description=f"Well {done.well}",
                completed=done.wells_done,
                total=done.wells_total,
                planes=f"{done.planes_written} results, {done.failures} failures",
            )

        yield on_progress


def _line_writer() -> Callable[[Progress], None]:
    written_s = time.monotonic()

    def on_progress(done: Progress) -> None:
        nonlocal written_s
        if time.monotonic() - written_s > _LINE_INTERVAL_S or done.wells_done == done.wells_total:
            written_s = time.monotonic()
            errors.print(
                f"{done.wells_done} of {done.wells_total} wells, {done.planes_written} results,"
                f" {done.failures} failures, {done.seconds:.0f} s",
                highlight=False,
            )

    return on_progress
