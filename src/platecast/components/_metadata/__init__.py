"""What instruments write down about a plate beside its images: text in, values out."""

from platecast.components._metadata._files import (
    is_alternative,
    is_metadata_name,
    metadata_rank,
    read_metadata,
)
from platecast.components._metadata._metaseries import read_metaseries
from platecast.components._metadata._ome import read_ome
from platecast.components._metadata._values import (
    ChannelInfo,
    ImageRecord,
    PlateMetadata,
    merge_metadata,
    z_step_of,
)

__all__ = [
    "ChannelInfo",
    "ImageRecord",
    "PlateMetadata",
    "is_alternative",
    "is_metadata_name",
    "merge_metadata",
    "metadata_rank",
    "read_metadata",
    "read_metaseries",
    "read_ome",
    "z_step_of",
]
