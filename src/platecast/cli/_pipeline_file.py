"""A pipeline in a Python file of the user's, and the options that change it."""

import difflib
import importlib
import inspect
import json
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from platecast.config import PipelineConfig, full_name, set_field
from platecast.errors import ConfigError, PipelineError
from platecast.pipeline import Pipeline, Step

PipelineArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Python file that defines a Pipeline.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A step's parameter, step.sigma=3, or a setting, napari_port=5556; may be given several times.",
    ),
]


def load_pipeline(path: Path) -> Pipeline:
    """Return the pipeline that a file defines: the one called ``pipeline``, or the only one.

    The file is imported as a module of its name, so that worker processes find its functions.

    Raises
    ------
    PipelineError
        It cannot be imported, or holds no pipeline, or several.
    """
    module = _import(path.resolve())
    found = {name: value for name, value in vars(module).items() if isinstance(value, Pipeline)}
    chosen = found.get("pipeline") or (next(iter(found.values())) if len(found) == 1 else None)
    if chosen is None:
        names = f"{', '.join(found)}; call one of them 'pipeline'" if found else "none"
        raise PipelineError(f"{path} must define one platecast.Pipeline, and there are {names}")
    return chosen


def apply_settings(pipeline: Pipeline, settings: list[str], fields: dict[str, Any]) -> Pipeline:
    """Return the pipeline with parameters that were set; put choices that were set into `fields`.

    Raises
    ------
    PipelineError
        Something that was set is not known.
    """
    steps = list(pipeline.steps)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise PipelineError(f"--set {setting}: write NAME=VALUE")
        owner, _, parameter = name.rpartition(".")
        number = next((number for number, step in enumerate(steps) if step.name == owner), None)
        if number is not None:
            steps[number] = steps[number].with_params(**{parameter: parse_value(text)})
            continue
        try:
            set_field(PipelineConfig, full_name(PipelineConfig, name), text, fields)
        except ConfigError as error:
            raise PipelineError(f"--set {setting}: {_unknown_name(name, steps) or error}") from error
    return Pipeline(steps, pipeline.config)


def parse_value(text: str) -> object:
    """Return a value as JSON understands it, and as text where it does not."""
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError:
        return text
    return value


def _unknown_name(name: str, steps: list[Step]) -> str:
    """Return what is wrong with a name that looks like a step's parameter; nothing for any other."""
    owner, _, parameter = name.rpartition(".")
    if owner and owner.partition(".")[0] not in PipelineConfig.model_fields:
        known = [step.name for step in steps]
        close = difflib.get_close_matches(owner, known, n=1)
        hint = f"did you mean {close[0]}.{parameter}?" if close else f"there are {', '.join(known)}"
        return f"there is no step {owner!r}: {hint}"
    takers = [step.name for step in steps if parameter in _parameters(step)]
    return f"whose {name!r}? Write " + " or ".join(f"{each}.{name}=…" for each in takers) if takers else ""


def _parameters(step: Step) -> Collection[str]:
    try:
        return inspect.signature(step.func).parameters
    except (TypeError, ValueError):
        return step.params


def _import(path: Path) -> ModuleType:
    name = path.stem
    if not name.isidentifier():
        raise PipelineError(
            f"{path.name} cannot be imported: rename it to a Python name, such as pipeline.py"
        )
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) != str(path):
        raise PipelineError(f"{path.name} has the name of the module {name!r}: rename it")
    sys.path.insert(0, str(path.parent))
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise PipelineError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
