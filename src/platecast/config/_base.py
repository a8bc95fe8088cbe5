"""The base of every configuration class: frozen, nothing is unknown, and text is read as code is."""

import ast
import difflib
import functools
import inspect
import itertools
import textwrap
import tomllib
from collections.abc import Mapping
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from platecast.config._toml import NONE, format_toml
from platecast.errors import ConfigError


class Config(BaseModel):
    """A frozen set of choices; an unknown field is an error, and defaults are visible in the class.

    ``model_fields_set`` tells which fields somebody chose; the others are defaults. That difference survives
    pickling, `to_toml` and `to_json`.
    """

    # Not use_attribute_docstrings: it parses the source of each class, half of what it costs to import this
    # room, for descriptions that only a form shows.
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _suggest_names(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401
        try:
            return handler(data)
        except ValidationError as error:
            found = [_with_suggestion(each, cls) for each in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(error.title, found) from None

    def to_toml(self) -> str:
        """Return what somebody chose as TOML, without the defaults.

        Examples
        --------
        >>> from platecast.config import PipelineConfig
        >>> print(PipelineConfig(workers=4).to_toml(), end="")
        workers = 4
        """
        return format_toml(self.model_dump(mode="json", exclude_unset=True))

    @classmethod
    def from_toml(cls, text: str, *, source: str = "TOML") -> Self:
        """Return the choices that a TOML text states; nothing else counts as set.

        Parameters
        ----------
        text
            The TOML. ``"none"`` stands for `None`, which TOML lacks.
        source
            What the text is called in an error: the file it comes from.

        Raises
        ------
        ConfigError
            It is no TOML, or a field or a value is not known.
        """
        try:
            fields = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{source} cannot be read: {error}") from error
        return cls.from_fields(fields, source=source)

    def to_json(self) -> str:
        """Return what somebody chose as JSON, without the defaults."""
        return self.model_dump_json(exclude_unset=True, indent=2)

    @classmethod
    def from_json(cls, text: str, *, source: str = "JSON") -> Self:
        """Return the choices that a JSON text states; otherwise as `from_toml`."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(describe_errors(source, error)) from error

    @classmethod
    def from_fields(cls, fields: dict[str, Any], *, source: str) -> Self:
        """Return the choices in plain values, such as those of a parsed file."""
        try:
            return cls.model_validate(_with_none(cls, fields))
        except ValidationError as error:
            raise ConfigError(describe_errors(source, error)) from error


def nearest(name: str, known: list[str]) -> str:
    """Return ``: did you mean 'x'?`` for the known name that is most like `name`, or what is known."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    # Whoever writes port means napari_port.
    close = close or [each for each in known if name in each.split("_")]
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(sorted(known))}"


@functools.cache
def describe_fields(model: type[Config]) -> Mapping[str, str]:
    """Return the text below each field in its class; nothing where there is no source."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is Config or not issubclass(owner, Config):
            continue
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        except OSError:
            continue
        assert isinstance(definition, ast.ClassDef)  # noqa: S101 -- it is the source of a class
        for field, text in itertools.pairwise(definition.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    found[name] = inspect.cleandoc(words)
    return found


def describe_errors(source: str, error: ValidationError) -> str:
    """Return every problem of a validation in words, one line each."""
    lines = []
    for each in error.errors(include_url=False):
        field = ".".join(map(str, each["loc"]))
        reason = each["msg"].removeprefix("Value error, ")
        value = "" if each["type"] == "extra_forbidden" else f"={each['input']!r}"
        lines.append(f"{source}: {field}{value}: {reason}")
    return "\n".join(lines)


def section_of(model: type[Config], name: str) -> type[Config] | None:
    """Return the class of a field that is a configuration itself, `None` for a plain field."""
    annotation = model.model_fields[name].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Config) else None


def _with_suggestion(found: Any, model: type[Config]) -> InitErrorDetails:  # noqa: ANN401
    location = tuple(found["loc"])
    message = found["msg"]
    if found["type"] == "extra_forbidden" and len(location) == 1:
        message = f"there is no such field{nearest(str(location[0]), list(model.model_fields))}"
    elif found["type"] == "enum":
        # The part before tells what is possible.
        close = difflib.get_close_matches(str(found["input"]), _quoted(message), n=1)
        message += f": did you mean {close[0]!r}?" if close else ""
    # A message may hold braces, which would be taken for places to fill.
    kind = PydanticCustomError(found["type"], "{message}", {"message": message})
    return InitErrorDetails(type=kind, loc=location, input=found["input"])


def _quoted(text: str) -> list[str]:
    return text.split("'")[1::2]


def _with_none(model: type[Config], fields: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in fields.items():
        section = section_of(model, name) if name in model.model_fields else None
        if section is not None and isinstance(value, dict):
            plain[name] = _with_none(section, value)
        elif value == NONE and name in model.model_fields:
            optional = type(None) in get_args(model.model_fields[name].annotation)
            plain[name] = None if optional else value
        else:
            plain[name] = value
    return plain
