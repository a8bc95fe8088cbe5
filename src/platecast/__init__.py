"""platecast shows the images of a running high-content-screening pipeline, live, in napari.

Public names are loaded when they are first used, so that a worker that only sends never imports
Qt, napari or a storage library.
"""

import importlib
from typing import TYPE_CHECKING, Any

from platecast._version import __version__

if TYPE_CHECKING:
    from platecast.components import Components, Kind, parse_name
    from platecast.config import (
        NapariColormap,
        NapariDimensionMode,
        NapariDisplayConfig,
        NapariPolygons,
        NapariStreamingConfig,
        NapariVariableSizeHandling,
        PipelineConfig,
        StepConfig,
        StreamingConfig,
        WhenFull,
        configure,
    )
    from platecast.errors import ConfigError, PlatecastError, UnrecognizedNameError
    from platecast.pipeline import Pipeline, RunReport, Step, run, tune
    from platecast.storage import FileManager, Plate, StorageBackend, open_plate
    from platecast.stream import NapariStreamVisualizer, Stream, send, send_plate, watch

_HOME = {
    "components": ("Components", "Kind", "parse_name"),
    "config": (
        "NapariColormap",
        "NapariDimensionMode",
        "NapariDisplayConfig",
        "NapariPolygons",
        "NapariStreamingConfig",
        "NapariVariableSizeHandling",
        "PipelineConfig",
        "StepConfig",
        "StreamingConfig",
        "WhenFull",
        "configure",
    ),
    "errors": ("ConfigError", "PlatecastError", "UnrecognizedNameError"),
    "pipeline": ("Pipeline", "RunReport", "Step", "run", "tune"),
    "storage": ("FileManager", "Plate", "StorageBackend", "open_plate"),
    "stream": ("NapariStreamVisualizer", "Stream", "send", "send_plate", "watch"),
}
_ROOM_OF = {name: room for room, names in _HOME.items() for name in names}

__all__ = [
    "Components",
    "ConfigError",
    "FileManager",
    "Kind",
    "NapariColormap",
    "NapariDimensionMode",
    "NapariDisplayConfig",
    "NapariPolygons",
    "NapariStreamVisualizer",
    "NapariStreamingConfig",
    "NapariVariableSizeHandling",
    "Pipeline",
    "PipelineConfig",
    "Plate",
    "PlatecastError",
    "RunReport",
    "Step",
    "StepConfig",
    "StorageBackend",
    "Stream",
    "StreamingConfig",
    "UnrecognizedNameError",
    "WhenFull",
    "__version__",
    "configure",
    "open_plate",
    "parse_name",
    "run",
    "send",
    "send_plate",
    "tune",
    "watch",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- the type is that of the name, see TYPE_CHECKING
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'platecast' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"platecast.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
