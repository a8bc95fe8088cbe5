"""The sending end: images go in, and the caller never waits for whoever looks at them."""

from platecast.stream._backend import NapariStreamBackend
from platecast.stream._plane_stream import new_run, process_run
from platecast.stream._plate import PlateProgress, contrast_limits, send_images
from platecast.stream._stream import Stream, send, send_plate
from platecast.stream._visualizer import NapariStreamVisualizer
from platecast.stream._watching._watch import FolderWatch, WatchReport, check_folder, watch
from platecast.wire import DropReason, Ledger

__all__ = [
    "DropReason",
    "FolderWatch",
    "Ledger",
    "NapariStreamBackend",
    "NapariStreamVisualizer",
    "PlateProgress",
    "Stream",
    "WatchReport",
    "check_folder",
    "contrast_limits",
    "new_run",
    "process_run",
    "send",
    "send_images",
    "send_plate",
    "watch",
]
