"""What an image is: components, wells and file names. Pure: text in, values out."""

from platecast.components._components import (
    COMPONENT_NAMES,
    Components,
    Kind,
    PlaneId,
    PlateLayout,
    StepId,
)
from platecast.components._metadata import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    is_alternative,
    is_metadata_name,
    is_telling,
    merge_metadata,
    metadata_rank,
    read_gen5,
    read_metadata,
    read_metaseries,
    read_ome,
    z_step_of,
)
from platecast.components._names import (
    FilenameConvention,
    find_convention,
    find_conventions,
    format_name,
    parse_name,
)
from platecast.components._wells import parse_well, plate_format, row_name, well_name

__all__ = [
    "COMPONENT_NAMES",
    "ChannelInfo",
    "Components",
    "FilenameConvention",
    "ImageRecord",
    "Kind",
    "PlaneId",
    "PlateLayout",
    "PlateMetadata",
    "StepId",
    "find_convention",
    "find_conventions",
    "format_name",
    "is_alternative",
    "is_metadata_name",
    "is_telling",
    "merge_metadata",
    "metadata_rank",
    "parse_name",
    "parse_well",
    "plate_format",
    "read_gen5",
    "read_metadata",
    "read_metaseries",
    "read_ome",
    "row_name",
    "well_name",
    "z_step_of",
]
