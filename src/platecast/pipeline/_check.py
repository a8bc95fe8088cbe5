"""Everything about a run that can be known before it starts."""

import difflib
import inspect
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from platecast.components import COMPONENT_NAMES
from platecast.config import SLICEABLE_COMPONENTS, NapariDimensionMode, PipelineConfig, Resolved
from platecast.pipeline._groups import bundles, group_images
from platecast.pipeline._results import backend_of, files_folder, store_problems
from platecast.pipeline._steps import RAW, Pipeline, Step, over_names
from platecast.storage import Plate, PlateImage

_FOLDER_SAFE = re.compile(r"[\w.+-]+")
_OWN_LEVELS = ("pipeline", "step", "function", "command line")


def step_problems(pipeline: Pipeline) -> Iterator[str]:
    """Yield what is wrong with steps by themselves: names, inputs and calls."""
    names = [output.step.name for outputs in pipeline.outputs for output in outputs]
    for name, count in Counter([*names, RAW]).items():
        if count > 1:
            what = (
                f"a step is named {RAW!r} like its input"
                if name == RAW
                else f"{count} steps are named {name!r}"
            )
            yield f"{what}: give each a name of its own, Step(..., name=...)"
        if not _FOLDER_SAFE.fullmatch(name):
            yield f"the step name {name!r} cannot name a folder: use letters, digits, '_', '-', '+' and '.'"
    known = [RAW]
    for number, (step, outputs) in enumerate(zip(pipeline.steps, pipeline.outputs, strict=True), start=1):
        yield from _input_problems(step, known)
        known += [step.name, *(output.ref for output in outputs if output.ref != step.name)]
        yield from _call_problems(step, pipeline.inputs_of(number))


def plate_problems(plate: Plate) -> Iterator[str]:
    """Yield why a plate cannot be run."""
    if not is_address(plate.path) and not Path(plate.path).is_dir():
        if Path(plate.path).exists():
            yield f"the plate {plate.path} is a file: give the folder it lies in"
        else:
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


def component_problems(pipeline: Pipeline, images: Sequence[PlateImage]) -> Iterator[str]:
    """Yield which steps ask for components that the plate lacks."""
    for step in pipeline.steps:
        for name, wanted in step.only.items():
            if name not in COMPONENT_NAMES:
                yield (
                    f"step {step.name!r} is limited to a component {name!r} that does not exist:"
                    f" choose from {', '.join(COMPONENT_NAMES)}"
                )
                continue
            yield from _absent(f"step {step.name!r} is limited to {name}", name, wanted, images)
        for name in step.over:
            if name not in over_names(step.over):
                possible = ", ".join(COMPONENT_NAMES[2:])
                yield f"step {step.name!r} goes over {name!r}, which has no axis: choose from {possible}"
            elif images and all(getattr(image.components, name) is None for image in images):
                yield f"step {step.name!r} goes over {name}, which no image has"
    yield from _stack_problems(pipeline, images)


def output_problems(
    plate: str, output: Path, images: Sequence[PlateImage], settings: Sequence[PipelineConfig]
) -> Iterator[str]:
    """Yield why results cannot be written."""
    if any(backend_of(output, each.backend) == "zarr" for each in settings if each.stored):
        yield from store_problems(output, images)
    if not is_address(plate) and output.resolve().is_relative_to(Path(plate).resolve()):
        yield f"the output {output} lies inside the plate {plate}, where results would be taken for images"
        return
    if output.is_file():
        yield f"the output {output} is a file: give a folder, or a store that ends in .zarr"
        return
    # What was made only for this check goes again.
    made: list[Path] = []
    for folder in dict.fromkeys((output, files_folder(output))):
        probe = folder / f".platecast-{secrets.token_hex(4)}"
        try:
            made += _make(folder)
            probe.touch(exist_ok=False)
            probe.unlink()
        except OSError as error:
            yield f"the output {output} cannot be written to: {error.filename}: {error.strerror}"
            break
    for folder in reversed(made):
        folder.rmdir()


def showing_problems(
    settings: Sequence[tuple[str, Resolved[PipelineConfig]]], images: Sequence[PlateImage]
) -> Iterator[str]:
    """Yield what cannot be shown as it was chosen.

    Parameters
    ----------
    settings
        What holds for the raw images and for each step, with words for whose it is.
    images
        The plate's images.
    """
    seen: set[str] = set()
    for owner, resolved in settings:
        config = resolved.value
        for problem in (
            *_filter_problems(owner, config, images),
            *(_mode_problems(owner, resolved, images) if config.napari_streaming.enabled else ()),
        ):
            # What the pipeline chose is said once and not for every step.
            if problem.partition(": ")[2] not in seen:
                seen.add(problem.partition(": ")[2])
                yield problem


def is_address(plate: str | os.PathLike[str]) -> bool:
    """Return whether a plate lies on another machine and has no folder here."""
    return "://" in os.fspath(plate)


def _input_problems(step: Step, known: Sequence[str]) -> Iterator[str]:
    for _, name in step.inputs:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            yield f"step {step.name!r} takes {name!r}, which no step before it makes: {hint}"


def _call_problems(step: Step, inputs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield why a step's function does not take what it would be called with."""
    keywords = {keyword: None for keyword, _ in inputs if keyword}
    places = [None for keyword, _ in inputs if not keyword]
    try:
        signature = inspect.signature(step.func)
    except ValueError:
        return  # some compiled functions do not tell their parameters
    try:
        signature.bind(*places, **keywords, **step.params)
    except TypeError as error:
        unknown = [name for name in (*keywords, *step.params) if name not in signature.parameters]
        # Those that inputs do not take.
        free = list(signature.parameters)[len(places) :]
        close = difflib.get_close_matches(unknown[0], free, n=1) if unknown else []
        hint = f": did you mean {close[0]!r}?" if close else ""
        yield f"step {step.name!r} cannot be called with its inputs and parameters: {error}{hint}"


def _stack_problems(pipeline: Pipeline, images: Sequence[PlateImage]) -> Iterator[str]:
    """Yield which steps that take raw images would get a stack with holes."""
    for number, step in enumerate(pipeline.steps, start=1):
        over = over_names(step.over)
        if not over or pipeline.inputs_of(number)[0][1] != RAW:
            continue
        mine = [image for image in images if step.applies_to(image.components)]
        for group in group_images(pipeline, mine):
            members = [image.components for image in group]
            problem = next((each for each in bundles(over, members) if isinstance(each, ValueError)), None)
            if problem is not None and len(over) > 1:
                yield f"step {step.name!r}, well {members[0].well}: {problem}"
                break


def _absent(what: str, name: str, wanted: frozenset[object], images: Sequence[PlateImage]) -> Iterator[str]:
    present = {getattr(image.components, name) for image in images}
    missing = sorted(map(repr, wanted - present))
    if images and missing:
        there = ", ".join(sorted(map(repr, present)))
        yield f"{what}={', '.join(missing)}, which no image has: there are {there}"


def _filter_problems(owner: str, config: PipelineConfig, images: Sequence[PlateImage]) -> Iterator[str]:
    for name, values in config.filters.items():
        if values is not None:
            yield from _absent(
                f"{owner}: stream_{name}s is limited to {name}", name, frozenset(values), images
            )


def _mode_problems(
    owner: str, resolved: Resolved[PipelineConfig], images: Sequence[PlateImage]
) -> Iterator[str]:
    for name in SLICEABLE_COMPONENTS:
        mode = getattr(resolved.value.napari_streaming, f"{name}_mode")
        # A user's general settings are for all plates, and are no mistake where one has no such component.
        chosen_here = resolved.origin(f"{name}_mode") in _OWN_LEVELS
        if images and chosen_here and mode is NapariDimensionMode.SLICE and not _has(images, name):
            yield f"{owner}: {name}_mode='slice' makes a layer of each {name}, and no image has one"


def _has(images: Sequence[PlateImage], name: str) -> bool:
    return any(getattr(image.components, name) is not None for image in images)


def _make(folder: Path) -> list[Path]:
    """Make a folder and those around it; return which were missing."""
    missing = []
    place = folder
    while not place.exists():
        missing.append(place)
        place = place.parent
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]
