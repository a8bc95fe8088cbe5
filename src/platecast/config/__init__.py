"""What the user chose: pure values, validated when they are written."""

from platecast.config._base import Config, describe_fields
from platecast.config._display import (
    SLICEABLE_COMPONENTS,
    Display,
    NapariColormap,
    NapariDimensionMode,
    NapariDisplayConfig,
    NapariPolygons,
    NapariVariableSizeHandling,
)
from platecast.config._pipeline import PipelineConfig, StepConfig, config_of, configure
from platecast.config._resolve import DEFAULT, Level, Resolved, full_name, resolve
from platecast.config._sources import FILE_NAME, set_field, user_file, user_levels, with_place
from platecast.config._streaming import (
    CONTROL_PORT_OFFSET,
    DEFAULT_PORT,
    LOOPBACK_NAMES,
    MAX_PORT,
    NapariStreamingConfig,
    StreamingConfig,
    WhenFull,
)

__all__ = [
    "CONTROL_PORT_OFFSET",
    "DEFAULT",
    "DEFAULT_PORT",
    "FILE_NAME",
    "LOOPBACK_NAMES",
    "MAX_PORT",
    "SLICEABLE_COMPONENTS",
    "Config",
    "Display",
    "Level",
    "NapariColormap",
    "NapariDimensionMode",
    "NapariDisplayConfig",
    "NapariPolygons",
    "NapariStreamingConfig",
    "NapariVariableSizeHandling",
    "PipelineConfig",
    "Resolved",
    "StepConfig",
    "StreamingConfig",
    "WhenFull",
    "config_of",
    "configure",
    "describe_fields",
    "full_name",
    "resolve",
    "set_field",
    "user_file",
    "user_levels",
    "with_place",
]
