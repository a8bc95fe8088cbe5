"""The manager's window: viewers, images, runs and log. Imports Qt and no napari."""

from platecast.gui._app import run_manager
from platecast.gui._window import ManagerWindow

__all__ = ["ManagerWindow", "run_manager"]
