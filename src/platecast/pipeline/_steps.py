"""What a pipeline is: plain functions, in their order, and what each takes and returns."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from platecast.components import COMPONENT_NAMES, Components, Kind, StepId, well_name
from platecast.config import (
    Level,
    NapariStreamingConfig,
    PipelineConfig,
    Resolved,
    StepConfig,
    config_of,
    resolve,
    user_levels,
)
from platecast.errors import PipelineError

StepFunction: TypeAlias = Callable[..., Any]
"""A plane or a stack in, a result out; further parameters by keyword."""
RAW = "raw"
"""The name under which steps take the images as the instrument wrote them."""
RAW_STEP = StepId(0, RAW)

C = TypeVar("C", bound=StepConfig)

KINDS = (Kind.IMAGE, Kind.LABELS, Kind.POINTS, Kind.TABLE)
"""What a step can return."""
_LABEL_DTYPES = ("bool", "int32", "int64")


@dataclass(frozen=True, slots=True)
class Output:
    """One of the results of a step.

    Parameters
    ----------
    step
        The step's place, and the name under which the result is stored and shown.
    ref
        The name by which later steps take it: ``segment``, or ``segment.cells`` of several.
    key
        What the function calls it; empty where it is the only one.
    kind
        What it means; `None` leaves that to the result.
    """

    step: StepId
    ref: str
    key: str
    kind: Kind | None


@dataclass(frozen=True, init=False, eq=False)
class Step:
    """One function of a pipeline.

    Parameters
    ----------
    func
        Takes a plane, ``(Y, X)`` or ``(Y, X, 3 | 4)``, or with `over` a stack, and returns an image, labels,
        points, a table, or several of them, on whatever device it likes: the next step gets what it returned.
        Worker processes import it, so there it must be defined at the top of a module.

        A table is a mapping of columns (what ``skimage.measure.regionprops_table`` returns), a data frame or
        a structured array; points are ``(N, 2)`` as ``y, x`` or ``(N, 3)`` as ``z, y, x``, with
        ``kind="points"``.
    name
        Name of the step, used in folders and layers; the function's own by default.
    kind
        What the result means: ``"image"``, ``"labels"``, ``"points"`` or ``"table"``. By default arrays of
        int32, int64 or bool are labels, which is what ``skimage.measure.label`` and ``scipy.ndimage.label``
        return, columns are a table, and everything else is an image.
    only
        The planes that are processed: values, or one value, of components, such as
        ``{"channel": "DAPI"}`` or ``{"well": ["A01", "B02"], "z_index": 3}``. Other planes end before this
        step and have no results from here on.
    over
        A component, or several, along which the function gets all planes at once: ``over="z_index"`` hands
        it ``(Z, Y, X)``, ``over=("channel", "z_index")`` ``(C, Z, Y, X)``; values ascend along each axis.
        A result of that many planes stays a stack, one plane is a projection, which has no such component.
    inputs
        What the function takes: the name of an earlier step, or ``"raw"``; by default the step before. A
        sequence passes several by position, a mapping by keyword. The first leads: the others are its
        planes' counterparts, those of the same channel or, where there is only one, of any.
    outputs
        Names of several results, or a mapping from names to kinds; the function then returns a mapping or
        a tuple of them. Later steps take them as ``"step.name"``, the first also as ``"step"``.
    config
        Choices for this step alone, see `StepConfig`; a `NapariStreamingConfig` stands for one with only
        that.
    **params
        Passed to `func` by keyword.

    Raises
    ------
    PipelineError
        The step has no usable name, or an argument is not understood.

    Examples
    --------
    >>> import numpy as np
    >>> step = Step(np.add, name="brighten", only={"channel": "DAPI"}, x2=100)
    >>> step.applies_to(Components(well="A01", channel="GFP"))
    False
    """

    func: StepFunction
    name: str
    kind: Kind | None
    only: Mapping[str, frozenset[object]] = field(repr=False)
    over: tuple[str, ...] = field(repr=False)
    inputs: tuple[tuple[str, str], ...] = field(repr=False)
    """Keyword, empty for a place, and name of each input; none at all for the step before."""
    outputs: Mapping[str, Kind | None] = field(repr=False)
    config: StepConfig = field(repr=False)
    params: Mapping[str, object] = field(repr=False)

    def __init__(
        self,
        func: StepFunction,
        *,
        name: str | None = None,
        kind: Kind | str | None = None,
        only: Mapping[str, object] | None = None,
        over: str | Sequence[str] = (),
        inputs: str | Sequence[str] | Mapping[str, str] = (),
        outputs: Sequence[str] | Mapping[str, Kind | str | None] = (),
        config: StepConfig | NapariStreamingConfig | None = None,
        **params: object,
    ) -> None:
        if not callable(func):
            raise PipelineError(f"a step needs a function, not {func!r}")
        name = name or getattr(func, "__name__", None)
        if name is None:
            raise PipelineError(f"the step of {func!r} needs a name: Step(func, name=...)")
        if outputs and kind is not None:
            raise PipelineError(
                f"step {name!r}: kinds of several outputs are given in outputs={{name: kind}}"
            )
        values = {
            "func": func,
            "name": name,
            "kind": _kind(name, kind),
            "only": _only(name, only),
            "over": _names(name, "over", over),
            "inputs": _inputs(name, inputs),
            "outputs": _outputs(name, outputs),
            "config": _config(f"step {name!r}", StepConfig, config),
            "params": params,
        }
        for attribute, value in values.items():
            object.__setattr__(self, attribute, value)

    def applies_to(self, components: Components) -> bool:
        """Return whether a plane is processed by this step."""
        return all(getattr(components, name, None) in values for name, values in self.only.items())

    def kind_of(self, dtype: str) -> Kind:
        """Return what a result means, from the step's own word or from the name of the result's dtype."""
        return self.kind or kind_of_dtype(dtype)

    def with_params(self, **params: object) -> "Step":
        """Return the same step with some parameters changed."""
        return self._copy(params={**self.params, **params})

    def _copy(self, **changes: object) -> "Step":
        copy = object.__new__(Step)
        for name in self.__dataclass_fields__:
            object.__setattr__(copy, name, changes.get(name, getattr(self, name)))
        return copy


class Pipeline:
    """Steps that every image of a plate goes through, one after the other.

    Parameters
    ----------
    steps
        At least one; a plain function stands for ``Step(function)``.
    config
        What all steps share; by default nothing is shown. A `NapariStreamingConfig` stands for one with only
        that.

    Raises
    ------
    PipelineError
        There is no step, or an argument is not understood.
    """

    def __init__(
        self,
        steps: Sequence[Step | StepFunction],
        config: PipelineConfig | NapariStreamingConfig | None = None,
    ) -> None:
        if not isinstance(steps, Iterable):
            raise PipelineError(f"a pipeline needs a list of steps, not {steps!r}: Pipeline([...])")
        self.steps = tuple(step if isinstance(step, Step) else Step(step) for step in steps)
        self.config = _config("the pipeline", PipelineConfig, config)
        if not self.steps:
            raise PipelineError("a pipeline needs at least one step")

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(step.name for step in self.steps)})"

    @property
    def step_ids(self) -> tuple[StepId, ...]:
        """The steps' places, counted from 1, and names."""
        return tuple(StepId(number, step.name) for number, step in enumerate(self.steps, start=1))

    @property
    def outputs(self) -> tuple[tuple[Output, ...], ...]:
        """The results of each step."""
        return tuple(_outputs_of(at, step) for at, step in zip(self.step_ids, self.steps, strict=True))

    def inputs_of(self, index: int) -> tuple[tuple[str, str], ...]:
        """Return keyword and name of each input of the step at a place counted from 1."""
        return self.steps[index - 1].inputs or (("", self.steps[index - 2].name if index > 1 else RAW),)

    def step(self, name: str) -> Step:
        """Return the step of this name.

        Raises
        ------
        PipelineError
            There is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise PipelineError(f"there is no step {name!r}: there are {', '.join(s.name for s in self.steps)}")

    def with_step(self, step: Step) -> "Pipeline":
        """Return the same pipeline with another step in the place of the one of the same name."""
        return Pipeline([step if each.name == step.name else each for each in self.steps], self.config)

    def settings(
        self,
        step: str | None = None,
        plate: str | os.PathLike[str] | None = None,
        override: PipelineConfig | None = None,
    ) -> Resolved[PipelineConfig]:
        """Return the choices that hold for a step, and where each comes from.

        Parameters
        ----------
        step
            Name of the step; `None` for what holds for the run and for the raw images.
        plate
            The plate's folder, beside which a ``platecast.toml`` may lie.
        override
            What wins over everything, such as the options of a command.

        Raises
        ------
        ConfigError
            Something that the user set outside the pipeline cannot be understood.
        PipelineError
            There is no such step.
        """
        own = [Level("pipeline", self.config)]
        if step is not None:
            own.append(Level("step", self.step(step).config))
        # A section that the pipeline or the step gives means that planes are to be shown.
        shown = any("napari_streaming" in level.config.model_fields_set for level in own)
        if step is not None:
            own.append(Level("function", config_of(self.step(step).func)))
        if override is not None:
            own.append(Level("command line", override))
        return resolve(PipelineConfig, [*user_levels(plate), *own], {"napari_streaming.enabled": shown})


def folder_name(step: StepId) -> str:
    """Return the folder of a step's results, such as ``Step_02_gaussian_blur``."""
    return f"Step_{step.index:02d}_{step.name}"


def kind_of_dtype(dtype: str) -> Kind:
    """Return what an array probably means, from the name of its dtype."""
    return Kind.LABELS if dtype in _LABEL_DTYPES else Kind.IMAGE


def _outputs_of(at: StepId, step: Step) -> tuple[Output, ...]:
    if not step.outputs:
        return (Output(at, step.name, "", step.kind),)
    return tuple(
        Output(StepId(at.index, f"{step.name}_{key}"), f"{step.name}.{key}", key, kind)
        for key, kind in step.outputs.items()
    )


def _kind(name: str, kind: Kind | str | None) -> Kind | None:
    if kind is None:
        return None
    if kind not in KINDS:
        known = ", ".join(repr(each.value) for each in KINDS)
        raise PipelineError(f"step {name!r}: kind={str(kind)!r} is none of {known}")
    return Kind(kind)


def _config(owner: str, wanted: type[C], config: object) -> C:
    """Return choices as the class that their owner has; what shows planes stands for one with only that."""
    if config is None:
        return wanted()
    if isinstance(config, NapariStreamingConfig):
        return wanted(napari_streaming=config)
    if not isinstance(config, wanted):
        raise PipelineError(
            f"{owner}: config={config!r} is no {wanted.__name__}:"
            f" write config={wanted.__name__}(...), or NapariStreamingConfig(...)"
        )
    return config


def _only(name: str, only: object) -> dict[str, frozenset[object]]:
    if only is None:
        return {}
    if not isinstance(only, Mapping):
        raise PipelineError(
            f"step {name!r}: only={only!r} names no component: write only={{'channel': {only!r}}} or the like"
        )
    return {component: _values_of(component, wanted) for component, wanted in only.items()}


def _names(name: str, argument: str, value: object) -> tuple[str, ...]:
    names: tuple[object, ...] = (
        tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    )
    texts = tuple(each for each in names if isinstance(each, str))
    if len(texts) < len(names):
        raise PipelineError(f"step {name!r}: {argument}={value!r}: give a name, or a sequence of names")
    return texts


def _inputs(name: str, inputs: object) -> tuple[tuple[str, str], ...]:
    if isinstance(inputs, Mapping):
        return tuple(zip(inputs, _names(name, "inputs", inputs.values()), strict=True))
    return tuple(("", each) for each in _names(name, "inputs", inputs))


def _outputs(name: str, outputs: Sequence[str] | Mapping[str, Kind | str | None]) -> dict[str, Kind | None]:
    if isinstance(outputs, str):
        raise PipelineError(f"step {name!r}: outputs={outputs!r} is one name: give a sequence of names")
    kinds = dict(outputs) if isinstance(outputs, Mapping) else dict.fromkeys(outputs)
    return {key: _kind(name, kind) for key, kind in kinds.items()}


def _values_of(component: str, wanted: object) -> frozenset[object]:
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        values = frozenset(wanted)
    else:
        values = frozenset([wanted])
    if component == "well":
        return frozenset(well_name(value) if isinstance(value, str) else value for value in values)
    # Components that do not exist are left for the check before the run, which names all of them.
    return values


def over_names(over: Sequence[str]) -> tuple[str, ...]:
    """Return the components of `over` that exist and can have an axis."""
    return tuple(name for name in over if name in COMPONENT_NAMES[2:])
