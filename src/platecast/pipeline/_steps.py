"""What a pipeline is: plain functions on one plane, in their order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from platecast.components import Components, Kind, StepId, well_name
from platecast.config import PipelineConfig
from platecast.errors import PipelineError

PlaneFunction: TypeAlias = Callable[..., Any]
"""A plane in, a plane out; further parameters by keyword."""
RAW_STEP = StepId(0, "raw")
"""The images as the instrument wrote them."""

_LABEL_DTYPES = ("bool", "int32", "int64")


@dataclass(frozen=True, init=False, eq=False)
class Step:
    """One function of a pipeline, applied to every plane by itself.

    Parameters
    ----------
    func
        Takes a plane, ``(Y, X)`` or ``(Y, X, 3 | 4)``, and returns one, on whatever device it likes: the
        next step gets what it returned. Worker processes import it, so there it must be defined at the
        top of a module.
    name
        Name of the step, used in folders and layers; the function's own by default.
    kind
        What the result's values mean. By default results of int32, int64 or bool are labels, which is what
        ``skimage.measure.label`` and ``scipy.ndimage.label`` return, and everything else is an image.
    only
        The planes that are processed: values, or one value, of components, such as
        ``{"channel": "DAPI"}`` or ``{"well": ["A01", "B02"], "z_index": 3}``. Other planes end before this
        step and have no results from here on.
    **params
        Passed to `func` by keyword.

    Raises
    ------
    PipelineError
        The step has no usable name, or `only` or `kind` is not understood.

    Examples
    --------
    >>> import numpy as np
    >>> step = Step(np.add, name="brighten", only={"channel": "DAPI"}, x2=100)
    >>> step.applies_to(Components(well="A01", channel="GFP"))
    False
    """

    func: PlaneFunction
    name: str
    kind: Kind | None
    only: Mapping[str, frozenset[object]] = field(repr=False)
    params: Mapping[str, object] = field(repr=False)

    def __init__(
        self,
        func: PlaneFunction,
        *,
        name: str | None = None,
        kind: Kind | str | None = None,
        only: Mapping[str, object] | None = None,
        **params: object,
    ) -> None:
        if not callable(func):
            raise PipelineError(f"a step needs a function, not {func!r}")
        name = name or getattr(func, "__name__", None)
        if name is None:
            raise PipelineError(f"the step of {func!r} needs a name: Step(func, name=...)")
        values = {
            "func": func,
            "name": name,
            "kind": _pixel_kind(name, kind),
            "only": {component: _values_of(component, wanted) for component, wanted in (only or {}).items()},
            "params": params,
        }
        for attribute, value in values.items():
            object.__setattr__(self, attribute, value)

    def applies_to(self, components: Components) -> bool:
        """Return whether a plane is processed by this step."""
        return all(getattr(components, name, None) in values for name, values in self.only.items())

    def kind_of(self, dtype: str) -> Kind:
        """Return what a result means, from the step's own word or from the name of the result's dtype."""
        if self.kind is not None:
            return self.kind
        return Kind.LABELS if dtype in _LABEL_DTYPES else Kind.IMAGE


class Pipeline:
    """Steps that every image of a plate goes through, one after the other.

    Parameters
    ----------
    steps
        At least one; a plain function stands for ``Step(function)``.
    config
        What all steps share; by default nothing is shown.

    Raises
    ------
    PipelineError
        There is no step.
    """

    def __init__(self, steps: Sequence[Step | PlaneFunction], config: PipelineConfig | None = None) -> None:
        self.steps = tuple(step if isinstance(step, Step) else Step(step) for step in steps)
        self.config = PipelineConfig() if config is None else config
        if not self.steps:
            raise PipelineError("a pipeline needs at least one step")

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(step.name for step in self.steps)})"

    @property
    def step_ids(self) -> tuple[StepId, ...]:
        """The steps' places, counted from 1, and names."""
        return tuple(StepId(number, step.name) for number, step in enumerate(self.steps, start=1))


def folder_name(step: StepId) -> str:
    """Return the folder of a step's results, such as ``Step_02_gaussian_blur``."""
    return f"Step_{step.index:02d}_{step.name}"


def _pixel_kind(name: str, kind: Kind | str | None) -> Kind | None:
    if kind is None:
        return None
    if kind not in (Kind.IMAGE, Kind.LABELS):
        raise PipelineError(f"step {name!r}: kind={str(kind)!r} is none of 'image' and 'labels'")
    return Kind(kind)


def _values_of(component: str, wanted: object) -> frozenset[object]:
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        values = frozenset(wanted)
    else:
        values = frozenset([wanted])
    if component == "well":
        return frozenset(well_name(value) if isinstance(value, str) else value for value in values)
    # Components that do not exist are left for the check before the run, which names all of them.
    return values
