"""Viewers as processes: found, started, asked and ended. No Qt here; a viewer is started by command line."""

from platecast.manager._display import set_sliced
from platecast.manager._doctor import Finding, Level, diagnose
from platecast.manager._find import ViewerInfo, find_viewer, list_viewers
from platecast.manager._requests import (
    Cleared,
    clear_layers,
    go_to,
    raise_viewer,
    take_screenshot,
    values_on_screen,
)
from platecast.manager._start import find_or_start, has_screen, log_path, start_viewer, wait_ready
from platecast.manager._stop import kill_viewer, quit_viewer
from platecast.manager._tunnel import Tunnel, hold_far_end
from platecast.manager._watch import ViewerWatch

__all__ = [
    "Cleared",
    "Finding",
    "Level",
    "Tunnel",
    "ViewerInfo",
    "ViewerWatch",
    "clear_layers",
    "diagnose",
    "find_or_start",
    "find_viewer",
    "go_to",
    "has_screen",
    "hold_far_end",
    "kill_viewer",
    "list_viewers",
    "log_path",
    "quit_viewer",
    "raise_viewer",
    "set_sliced",
    "start_viewer",
    "take_screenshot",
    "values_on_screen",
    "wait_ready",
]
