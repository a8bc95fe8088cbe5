"""The user's own settings: a file, the environment, and a file beside the plate.

The nearer to the plate, the stronger: what ``platecast.toml`` beside the plate sets wins over the
environment, and that over the file in the user's configuration folder.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import platformdirs

from platecast.config._base import Config
from platecast.config._pipeline import PipelineConfig
from platecast.config._resolve import Level, paths
from platecast.config._streaming import NapariStreamingConfig
from platecast.errors import ConfigError

PREFIX = "PLATECAST_"
FILE_NAME = "platecast.toml"
_PLACE = frozenset({"napari_host", "napari_port", "napari_pairing_file"})
"""Fields that say where the viewer is; they are taken together or not at all."""
_ALMOST = 0.85
"""How like a field a variable's name must be to be taken for a misspelling; other parts have theirs."""


def user_levels(plate: str | os.PathLike[str] | None = None) -> tuple[Level, ...]:
    """Return what the user has set outside the pipeline, from the widest to the nearest.

    Parameters
    ----------
    plate
        The plate's folder; `None` leaves the file beside it out.

    Raises
    ------
    ConfigError
        Something that was set cannot be understood; the message says where.
    """
    levels = [*_file_level(user_file()), *_environment_level(os.environ)]
    if plate is not None:
        levels += _file_level(_beside(Path(plate)))
    return tuple(levels)


def user_file() -> Path:
    """Return where the user's own file lies, whether it is there or not."""
    return Path(platformdirs.user_config_dir("platecast", appauthor=False)) / FILE_NAME


def config_from_environment(environment: Mapping[str, str]) -> PipelineConfig:
    """Return what environment variables set: ``PLATECAST_NAPARI_PORT=5556`` sets `napari_port`.

    Values of several, such as wells, are separated by commas; ``none`` stands for `None`.

    Raises
    ------
    ConfigError
        A value cannot be understood, or a variable's name is almost that of a field.
    """
    known = {PREFIX + path.rpartition(".")[2].upper(): path for path in paths(PipelineConfig)}
    fields: dict[str, Any] = {}
    for variable in sorted(environment):
        if variable in known:
            _put(fields, known[variable], environment[variable])
        elif variable.startswith(PREFIX):
            close = difflib.get_close_matches(variable, known, n=1, cutoff=_ALMOST)
            if close:
                raise ConfigError(f"the environment's {variable} is not known: did you mean {close[0]!r}?")
    return PipelineConfig.from_fields(fields, source="environment")


def with_place(config: NapariStreamingConfig, environment: Mapping[str, str]) -> NapariStreamingConfig:
    """Return a configuration with the viewer's place as the environment names it, where nobody chose another.

    For what runs outside a pipeline, whose settings come with their origins: one variable sends a script's
    images to another machine.

    Raises
    ------
    ConfigError
        As for `config_from_environment`.
    """
    if any(PREFIX + name.upper() in environment for name in _PLACE) and not config.model_fields_set & _PLACE:
        named = config_from_environment(environment).napari_streaming
        chosen = {name: getattr(named, name) for name in _PLACE & named.model_fields_set}
        return NapariStreamingConfig(**config.model_dump(exclude_unset=True), **chosen)
    return config


def set_field(model: type[Config], path: str, text: str, fields: dict[str, Any]) -> None:
    """Put a value that was written as text into nested plain fields.

    Parameters
    ----------
    model
        Whose field it is.
    path
        Its full name.
    text
        The value, several separated by commas.
    fields
        Where it is put.
    """
    *sections, name = path.split(".")
    place, owner = fields, model
    for section in sections:
        place = place.setdefault(section, {})
        inner = owner.model_fields[section].annotation
        assert isinstance(inner, type)  # noqa: S101 -- `paths` yields sections only of classes
        owner = inner
    place[name] = (
        text.split(",") if _is_several(owner.model_fields[name].annotation) and text != "none" else text
    )


def _put(fields: dict[str, Any], path: str, text: str) -> None:
    set_field(PipelineConfig, path, text, fields)


def _is_several(annotation: object) -> bool:
    return any(get_origin(each) is tuple for each in (annotation, *get_args(annotation)))


def _environment_level(environment: Mapping[str, str]) -> Iterator[Level]:
    config = config_from_environment(environment)
    if config.model_fields_set:
        yield Level("environment", config)


def _file_level(path: Path) -> Iterator[Level]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    yield Level(str(path), PipelineConfig.from_toml(text, source=str(path)))


def _beside(plate: Path) -> Path:
    """Return the plate's file: in its folder, or next to an OME-Zarr plate, which holds no other files."""
    folder = plate.resolve()
    return (folder.parent if folder.suffix.lower() == ".zarr" else folder) / FILE_NAME
