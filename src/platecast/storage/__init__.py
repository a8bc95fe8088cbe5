"""Where images rest: backends behind one `FileManager`.

Knows how planes are written and read back, and what lies in a plate's folder. What a name or an instrument's
file means, and who streams, is left to others.
"""

from platecast.storage._backend import AnyPath, Header, StorageBackend, StreamingBackend
from platecast.storage._disk import DiskBackend
from platecast.storage._files import FileManager
from platecast.storage._memory import MemoryBackend
from platecast.storage._places import comes_back
from platecast.storage._plates._backend import PlateBackend
from platecast.storage._plates._open import is_plate, open_files, open_plate
from platecast.storage._plates._plate import Plate, PlateImage, by_well
from platecast.storage._plates._reader import PlateReader, is_image_name, is_plate_file
from platecast.storage._resting import load_resting, load_small, resting_address
from platecast.storage._zarr._backend import ZarrBackend

__all__ = [
    "AnyPath",
    "DiskBackend",
    "FileManager",
    "Header",
    "MemoryBackend",
    "Plate",
    "PlateBackend",
    "PlateImage",
    "PlateReader",
    "StorageBackend",
    "StreamingBackend",
    "ZarrBackend",
    "by_well",
    "comes_back",
    "is_image_name",
    "is_plate",
    "is_plate_file",
    "load_resting",
    "load_small",
    "open_files",
    "open_plate",
    "resting_address",
]
