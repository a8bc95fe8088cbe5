"""Where images rest: backends behind one `FileManager`.

Knows how planes are written and read back. What a name means, and who streams, is left to others.
"""

from platecast.storage._backend import AnyPath, StorageBackend, StreamingBackend
from platecast.storage._disk import DiskBackend
from platecast.storage._files import FileManager
from platecast.storage._memory import MemoryBackend

__all__ = [
    "AnyPath",
    "DiskBackend",
    "FileManager",
    "MemoryBackend",
    "StorageBackend",
    "StreamingBackend",
]
