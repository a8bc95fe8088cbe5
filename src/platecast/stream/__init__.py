"""The sending end: images go in, and the caller never waits for whoever looks at them."""

from platecast.stream._backend import NapariStreamBackend
from platecast.stream._plate import PlateProgress, send_images, send_plate
from platecast.stream._stream import Stream, new_run, process_run, send
from platecast.stream._visualizer import NapariStreamVisualizer
from platecast.wire import DropReason, Ledger

__all__ = [
    "DropReason",
    "Ledger",
    "NapariStreamBackend",
    "NapariStreamVisualizer",
    "PlateProgress",
    "Stream",
    "new_run",
    "process_run",
    "send",
    "send_images",
    "send_plate",
]
