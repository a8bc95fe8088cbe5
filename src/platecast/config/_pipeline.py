"""What a whole pipeline shares, and what one step or one function of it may choose for itself."""

from collections.abc import Callable
from typing import Literal, TypeVar

from pydantic import Field, field_validator

from platecast.components import Components, well_name
from platecast.config._base import Config
from platecast.config._streaming import NapariStreamingConfig
from platecast.errors import ConfigError

F = TypeVar("F", bound=Callable[..., object])

_ATTRIBUTE = "__platecast_config__"


class StepConfig(Config):
    """Choices for one step; what is not set is inherited from the pipeline."""

    napari_streaming: NapariStreamingConfig = Field(
        default_factory=lambda: NapariStreamingConfig(enabled=False)
    )
    """Whether and how images are shown."""
    stored: bool = True
    """Whether results are written; otherwise they live until the later steps have used them."""
    backend: Literal["disk", "zarr"] | None = None
    """Where planes are written: files or OME-Zarr; `None`: as the output's name says."""
    stream_wells: tuple[str, ...] | None = None
    """Only planes of these wells are shown; `None`: of all."""
    stream_sites: tuple[int, ...] | None = None
    """Only planes of these sites are shown; `None`: of all."""
    stream_channels: tuple[int | str, ...] | None = None
    """Only planes of these channels are shown; `None`: of all."""

    @field_validator("stream_wells")
    @classmethod
    def _canonical_wells(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else tuple(well_name(label) for label in value)

    @property
    def filters(self) -> dict[str, tuple[object, ...] | None]:
        """The values to which what is shown is limited, by component; `None` where it is not."""
        return {"well": self.stream_wells, "site": self.stream_sites, "channel": self.stream_channels}

    def shows(self, components: Components) -> bool:
        """Return whether a plane is to be shown."""
        return self.napari_streaming.enabled and all(
            values is None or getattr(components, name) in values for name, values in self.filters.items()
        )


class PipelineConfig(StepConfig):
    """Choices for a whole pipeline; what is not set is inherited from the user's own settings."""

    stream_input: bool = True
    """Whether the raw images are shown too, as step 0."""
    workers: int | None = Field(default=None, ge=1)
    """Number of worker processes; `None`: one."""
    executor: Literal["serial", "processes", "dask"] | None = None
    """Who processes the wells; `None`: this process for one worker, else worker processes."""
    worker_memory_mb: float | None = Field(default=None, gt=0)
    """What one worker may need; `None`: estimated from the plate. Fewer run where they do not fit."""


def configure(config: StepConfig) -> Callable[[F], F]:
    """Return a decorator that gives a function choices of its own, wherever it is used as a step.

    They are the nearest to the planes and win over those of the step.

    Parameters
    ----------
    config
        What the function chooses.

    Examples
    --------
    >>> @configure(StepConfig(stored=False))
    ... def denoise(image):
    ...     return image
    >>> config_of(denoise).stored
    False
    """

    def attach(function: F) -> F:
        try:
            setattr(function, _ATTRIBUTE, config)
        except AttributeError as error:
            raise ConfigError(
                f"{function!r} cannot carry choices: wrap it in a function of your own"
            ) from error
        return function

    return attach


def config_of(function: object) -> StepConfig:
    """Return the choices that a function carries; without any, nothing is set."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, StepConfig) else StepConfig()
