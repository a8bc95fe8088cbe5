"""From choices made at several levels to one value for each field, and where it comes from. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from platecast.config._base import Config, nearest, section_of
from platecast.errors import ConfigError

C = TypeVar("C", bound=Config)

DEFAULT = "default"
"""The origin of a value that nobody set."""


@dataclass(frozen=True, slots=True)
class Level:
    """Choices and who made them.

    Parameters
    ----------
    name
        Who made them, as `Resolved.origin` tells it, such as ``"pipeline"``.
    config
        What is set there; defaults in it do not count.
    """

    name: str
    config: Config


@dataclass(frozen=True, slots=True)
class Resolved(Generic[C]):
    """One value for each field, and where it comes from.

    Parameters
    ----------
    value
        The configuration; its ``model_fields_set`` tells what was set at any level.
    origins
        Names of levels by the fields' full names, such as ``napari_streaming.napari_port``; only those that
        somebody set.
    """

    value: C
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """Return where a field's value comes from: the name of a level, or ``"default"``.

        Parameters
        ----------
        name
            The field, by its own name or with its section: ``napari_port``, ``napari_streaming.napari_port``.

        Raises
        ------
        ConfigError
            There is no such field.
        """
        return self.origins.get(full_name(type(self.value), name), DEFAULT)

    def explain(self) -> str:
        """Return a table of all fields: name, value and origin, one line each."""
        rows = [(path, _shown(_get(self.value, path)), self.origin(path)) for path in paths(type(self.value))]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{path:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for path, value, origin in rows
        )


def resolve(
    model: type[C], levels: Sequence[Level], defaults: Mapping[str, object] | None = None
) -> Resolved[C]:
    """Put levels on top of each other: each field has the value of the last level that sets it.

    Parameters
    ----------
    model
        The class of the result; levels of other classes contribute the fields they share with it.
    levels
        From the widest to the nearest.
    defaults
        Values, by full name, for fields that no level sets, where those of the class do not apply.
    """
    known = set(paths(model))
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for level in levels:
        for path, value in _set_values(level.config):
            if path in known:
                values[path], origins[path] = value, level.name
    return Resolved(model.model_validate(_nested({**(defaults or {}), **values})), origins)


def paths(model: type[Config]) -> Iterator[str]:
    """Yield the full names of all plain fields."""
    for name in model.model_fields:
        section = section_of(model, name)
        if section is None:
            yield name
        else:
            yield from (f"{name}.{inner}" for inner in paths(section))


def full_name(model: type[Config], name: str) -> str:
    """Return the full name of a field that is given by its own or its full name."""
    known = {path.rpartition(".")[2]: path for path in paths(model)}
    if name in known.values():
        return name
    if name not in known:
        raise ConfigError(f"there is no field {name!r}{nearest(name, list(known))}")
    return known[name]


def _set_values(config: Config) -> Iterator[tuple[str, object]]:
    # In the class's order: a set of names has none of its own.
    for name in type(config).model_fields:
        if name not in config.model_fields_set:
            continue
        value = getattr(config, name)
        if isinstance(value, Config):
            yield from ((f"{name}.{inner}", each) for inner, each in _set_values(value))
        else:
            yield name, value


def _nested(values: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return tree


def _get(config: Config, path: str) -> object:
    value: object = config
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)
