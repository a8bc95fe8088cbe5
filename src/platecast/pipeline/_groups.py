"""Which planes belong together: images of one group, planes of one stack, counterparts of a plane. Pure."""

import itertools
from collections.abc import Collection, Iterator, Sequence

from platecast.components import COMPONENT_NAMES, Components
from platecast.errors import PipelineError
from platecast.pipeline._outcome import Bundle, without
from platecast.pipeline._steps import Pipeline, over_names
from platecast.storage import PlateImage


def group_images(pipeline: Pipeline, images: Sequence[PlateImage]) -> tuple[tuple[PlateImage, ...], ...]:
    """Return a well's images in the smallest groups that every step can work on."""
    together = {name for step in pipeline.steps for name in over_names(step.over)}
    if any(len(step.inputs) > 1 for step in pipeline.steps):
        # Labels of one channel are measured in the others.
        together.add("channel")
    apart = [name for name in COMPONENT_NAMES if name not in together]
    groups: dict[tuple[object, ...], list[PlateImage]] = {}
    for image in images:
        groups.setdefault(tuple(getattr(image.components, name) for name in apart), []).append(image)
    return tuple(map(tuple, groups.values())) if together else tuple((image,) for image in images)


def bundles(over: Sequence[str], planes: Collection[Components]) -> Iterator[Bundle | PipelineError]:
    """Yield what a function gets in each call, or why planes are no stack.

    Parameters
    ----------
    over
        Components along which planes are stacked; planes that have none of them are by themselves.
    planes
        All that there are.
    """
    if not over:
        yield from (Bundle(components, (components,)) for components in planes)
        return
    stacks: dict[tuple[object, ...], list[Components]] = {}
    apart = [name for name in COMPONENT_NAMES if name not in over]
    for components in planes:
        stacks.setdefault(tuple(getattr(components, name) for name in apart), []).append(components)
    for members in stacks.values():
        yield _stack(over, members)


def counterparts(bundle: Bundle, pool: Collection[Components]) -> tuple[Components, ...]:
    """Return the planes of another input that go with a bundle: one of all, or one of each of its members.

    Raises
    ------
    PipelineError
        There is none, or several fit equally well.
    """
    found = [_counterpart(member, pool) for member in bundle.members]
    return tuple(found[:1] if len(set(found)) == 1 else found)


def _stack(over: Sequence[str], members: list[Components]) -> Bundle | PipelineError:
    values = [_ascending({getattr(member, name) for member in members}) for name in over]
    places = {tuple(getattr(member, name) for name in over): member for member in members}
    grid = list(itertools.product(*values))
    missing = [place for place in grid if place not in places]
    if missing:
        where = ", ".join(f"{name} {value}" for name, value in zip(over, missing[0], strict=True))
        return PipelineError(f"{len(missing)} of {len(grid)} planes of a stack are missing, such as {where}")
    try:
        common = without(members[0], over)
    except ValueError:
        return PipelineError(
            f"images that have nothing but {', '.join(over)} cannot be taken together over it"
        )
    return Bundle(common, tuple(places[place] for place in grid), tuple(over), tuple(map(len, values)))


def _counterpart(plane: Components, pool: Collection[Components]) -> Components:
    if plane in pool:
        return plane
    fitting = [each for each in pool if _agree(plane, each, ignore="channel")]
    same_channel = [each for each in fitting if each.channel == plane.channel]
    candidates = same_channel or fitting
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise PipelineError(f"another input has no counterpart of {plane!r}")
    raise PipelineError(
        f"another input has {len(candidates)} counterparts of {plane!r}, such as {candidates[0]!r} and"
        f" {candidates[1]!r}: limit the step that makes them with only={{...}}"
    )


def _agree(one: Components, other: Components, ignore: str) -> bool:
    """Say whether two planes have no component that both state differently."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in COMPONENT_NAMES
        if name != ignore and getattr(one, name) is not None and getattr(other, name) is not None
    )


def _ascending(values: Collection[object]) -> list[object]:
    return sorted(values, key=lambda value: (isinstance(value, str), value is not None, value or 0))
