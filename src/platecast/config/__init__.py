"""What the user chose: pure values, validated when they are written."""

from platecast.config._display import (
    SLICEABLE_COMPONENTS,
    Display,
    NapariColormap,
    NapariDimensionMode,
    NapariDisplayConfig,
    NapariVariableSizeHandling,
)
from platecast.config._pipeline import PipelineConfig
from platecast.config._streaming import (
    CONTROL_PORT_OFFSET,
    DEFAULT_PORT,
    MAX_PORT,
    NapariStreamingConfig,
    StreamingConfig,
    WhenFull,
)

__all__ = [
    "CONTROL_PORT_OFFSET",
    "DEFAULT_PORT",
    "MAX_PORT",
    "SLICEABLE_COMPONENTS",
    "Display",
    "NapariColormap",
    "NapariDimensionMode",
    "NapariDisplayConfig",
    "NapariStreamingConfig",
    "NapariVariableSizeHandling",
    "PipelineConfig",
    "StreamingConfig",
    "WhenFull",
]
