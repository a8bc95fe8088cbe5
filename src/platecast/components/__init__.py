"""What an image is: components, wells and file names. Pure: text in, values out."""

from platecast.components._components import (
    COMPONENT_NAMES,
    Components,
    Kind,
    PlaneId,
    PlateLayout,
    StepId,
)
from platecast.components._names import FilenameConvention, find_convention, format_name, parse_name
from platecast.components._wells import parse_well, well_name

__all__ = [
    "COMPONENT_NAMES",
    "Components",
    "FilenameConvention",
    "Kind",
    "PlaneId",
    "PlateLayout",
    "StepId",
    "find_convention",
    "format_name",
    "parse_name",
    "parse_well",
    "well_name",
]
