"""What instruments write down about a plate beside its images: text in, values out."""

from platecast.components._metadata._files import (
    is_alternative,
    is_metadata_name,
    is_telling,
    metadata_rank,
    read_metadata,
)
from platecast.components._metadata._gen5 import read_gen5
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
    "is_telling",
    "merge_metadata",
    "metadata_rank",
    "read_gen5",
    "read_metadata",
    "read_metaseries",
    "read_ome",
    "z_step_of",
]
