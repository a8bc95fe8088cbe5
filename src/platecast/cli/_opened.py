"""What a user names on the command line as a plate, opened: its images, or those of its steps."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape

from platecast.cli._console import errors
from platecast.components import StepId
from platecast.errors import StorageError
from platecast.storage import Plate, open_plate

_STEP_FOLDER = re.compile(r"Step_([0-9]{2,})_(.+)", re.ASCII)
_RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Opened:
    """A plate, and the step that made its images if they are results of a run."""

    plate: Plate
    step: StepId | None = None


def open_all(path: str, steps: Sequence[str]) -> list[Opened]:
    """Open a plate, or the results of a run step by step; say what is not as it should be.

    Parameters
    ----------
    path
        A plate's folder or store, or the output of a run.
    steps
        Index or name of the steps that are wanted; all where empty.

    Raises
    ------
    StorageError
        There is nothing, or no image, or no such step.
    """
    folders = {} if "://" in path else _step_folders(path)
    own = _step_of(path)
    if own is not None:
        folders = {own: path}
    if not folders:
        if steps:
            raise StorageError(f"{path} holds no results of steps: --step {steps[0]} says nothing here")
        return [Opened(_open(path))]
    chosen = [step for step in folders if not steps or {str(step.index), step.name}.intersection(steps)]
    known = {text for step in folders for text in (str(step.index), step.name)}
    unknown = [text for text in steps if text not in known]
    if unknown:
        there = ", ".join(f"{step.index} ({step.name})" for step in folders)
        raise StorageError(f"{path} has no step {', '.join(unknown)}: it has {there}")
    return [Opened(_open(folders[step]), step) for step in chosen]


def _step_folders(path: str) -> dict[StepId, str]:
    """Return the folders of a run's steps, in their order."""
    found: dict[StepId, str] = {}
    for folder in (path, os.path.join(path, _RESULTS)):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            step = _step_of(name)
            if step is not None:
                found.setdefault(step, os.path.join(folder, name))
    return dict(sorted(found.items(), key=lambda each: (each[0].index, each[0].name)))


def _step_of(path: str) -> StepId | None:
    match = _STEP_FOLDER.fullmatch(os.path.basename(os.path.normpath(path)))
    return None if match is None else StepId(int(match[1]), match[2])


def _open(path: str) -> Plate:
    plate = open_plate(path if "://" in path else os.path.abspath(path))
    for line in (*plate.problems, *plate.notes):
        errors.print(f"[yellow]{escape(line)}[/]", highlight=False)
    if plate.duplicates:
        first, second, *_ = (image.path for image in plate.duplicates[0])
        errors.print(
            f"[yellow]{len(plate.duplicates)} images are there more than once, and only the last of each is"
            f" shown, such as {escape(first)} and {escape(second)}[/]",
            highlight=False,
        )
    if not plate.images:
        raise StorageError(f"no image whose name is known in {path}{_seen(plate)}")
    return plate


def _seen(plate: Plate) -> str:
    if not plate.left_out:
        return ""
    count, first = len(plate.left_out), plate.left_out[0]
    return f": {count} files look like images and their names are of no kind we know, such as {first}"
