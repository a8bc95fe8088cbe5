"""Everything about a run that can be known before it starts."""

import inspect
import pickle
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from platecast.components import COMPONENT_NAMES
from platecast.errors import PipelineError
from platecast.pipeline._results import is_store, store_problems
from platecast.pipeline._steps import Pipeline, Step
from platecast.storage import Plate, PlateImage

EXECUTORS = ("serial", "processes")

_FOLDER_SAFE = re.compile(r"[\w.+-]+")


def check_run(
    pipeline: Pipeline,
    plate: Plate,
    output: Path,
    workers: int,
    executor: str,
) -> None:
    """Make sure that a run can start.

    Raises
    ------
    PipelineError
        It cannot; the message lists every reason.
    """
    problems = [
        *_step_problems(pipeline.steps),
        *_plate_problems(plate),
        *_output_problems(Path(plate.path), output, plate.images),
        *_only_problems(pipeline.steps, plate.images),
        *_worker_problems(pipeline, workers, executor),
    ]
    if problems:
        raise PipelineError("the pipeline cannot run:\n" + "\n".join(f"- {problem}" for problem in problems))


def _step_problems(steps: Sequence[Step]) -> Iterator[str]:
    for name, count in Counter(step.name for step in steps).items():
        if count > 1:
            yield f"{count} steps are named {name!r}: give each a name of its own, Step(..., name=...)"
        if not _FOLDER_SAFE.fullmatch(name):
            yield f"the step name {name!r} cannot name a folder: use letters, digits, '_', '-', '+' and '.'"
    for step in steps:
        try:
            inspect.signature(step.func).bind(None, **step.params)
        except TypeError as error:
            yield f"step {step.name!r} cannot be called with a plane and its parameters: {error}"
        except ValueError:
            continue  # some compiled functions do not tell their parameters


def _plate_problems(plate: Plate) -> Iterator[str]:
    if not Path(plate.path).is_dir():
        yield f"there is no plate folder {plate.path}"
    elif not plate.images:
        yield f"{plate.path} holds no images whose names are known: see platecast.parse_name for what is"
        yield from plate.problems
    if plate.duplicates:
        first, second, *_ = (image.path for image in plate.duplicates[0])
        yield (
            f"{sum(len(group) - 1 for group in plate.duplicates)} images have the same components as another"
            f" one, and their results would overwrite each other, such as {first} and {second}:"
            " run one measurement at a time"
        )


def _output_problems(plate: Path, output: Path, images: Sequence[PlateImage]) -> Iterator[str]:
    if is_store(output):
        yield from store_problems(output, images)
    if output.resolve().is_relative_to(plate.resolve()):
        yield f"the output {output} lies inside the plate {plate}, where results would be taken for images"
        return
    probe = output / f".platecast-{secrets.token_hex(4)}"
    try:
        output.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        yield f"the output {output} cannot be written to: {error}"


def _only_problems(steps: Sequence[Step], images: Sequence[PlateImage]) -> Iterator[str]:
    for step in steps:
        for name, wanted in step.only.items():
            if name not in COMPONENT_NAMES:
                yield (
                    f"step {step.name!r} is limited to a component {name!r} that does not exist:"
                    f" choose from {', '.join(COMPONENT_NAMES)}"
                )
                continue
            present = {getattr(image.components, name) for image in images}
            missing = sorted(map(repr, wanted - present))
            if images and missing:
                there = ", ".join(sorted(map(repr, present)))
                yield (
                    f"step {step.name!r} is limited to {name}={', '.join(missing)},"
                    f" which no image has: there are {there}"
                )


def _worker_problems(pipeline: Pipeline, workers: int, executor: str) -> Iterator[str]:
    if workers < 1:
        yield f"workers={workers}: at least one is needed"
    if executor not in EXECUTORS:
        yield f"executor={executor!r} is not known: choose from {', '.join(EXECUTORS)}"
    if executor == "serial" and workers > 1:
        yield f"executor='serial' has one worker, not {workers}"
    if executor != "processes":
        return
    for step in pipeline.steps:
        try:
            pickle.dumps(step)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            yield (
                f"step {step.name!r} cannot be handed to worker processes ({error}):"
                " define its function at the top of a module, or run with executor='serial'"
            )
