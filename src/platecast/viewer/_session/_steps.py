"""Steps as users name them. Pure."""

from collections.abc import Iterable, Sequence

from platecast.components import StepId
from platecast.layers import LayerKey
from platecast.viewer._session._look import newest_run

Step = StepId | None
"""`None` stands for images that no step has made."""
StepName = int | str | Sequence[int | str]
"""A step by its index, its name, or both as ``1 blur`` or ``[1, "blur"]``."""


def sorted_steps(keys: Iterable[LayerKey]) -> tuple[Step, ...]:
    """Return the steps that some layers are of, in their order."""
    steps = {key.step for key in keys}
    return tuple(sorted(steps, key=lambda step: (-1, "") if step is None else (step.index, step.name)))


def newest_steps(keys: Iterable[LayerKey]) -> tuple[Step, ...]:
    """Return the steps of the newest run that have layers, in their order."""
    listed = list(keys)
    newest = newest_run(listed)
    return sorted_steps(key for key in listed if key.run in ("", newest))


def step_text(step: Step) -> str:
    """Return what a step is called in lists."""
    return "images without a step" if step is None else f"{step.index} {step.name}"


def is_step(step: Step, wanted: StepName | None) -> bool:
    """Say whether a step is the one that somebody names."""
    if step is None or wanted is None:
        return step is None and wanted is None
    if isinstance(wanted, int):
        return step.index == wanted
    if isinstance(wanted, str):
        return wanted in (step.name, step_text(step))
    return list(wanted) == [step.index, step.name]


def find_step(steps: Sequence[Step], wanted: StepName | None) -> Step:
    """Return the step that somebody names.

    Raises
    ------
    LookupError
        There is none, or more than one; the message says which there are.
    """
    found = [step for step in steps if is_step(step, wanted)]
    if len(found) != 1:
        known = ", ".join(map(step_text, steps)) or "none"
        raise LookupError(f"{len(found)} steps are {wanted!r}; there are {known}")
    return found[0]
