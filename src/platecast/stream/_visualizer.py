"""A viewer for a pipeline that writes through a `FileManager`."""

import os

from platecast.config import NapariStreamingConfig, with_place
from platecast.errors import PlatecastError
from platecast.manager import find_viewer, quit_viewer
from platecast.storage import FileManager
from platecast.stream._link import Link
from platecast.stream._links import links
from platecast.stream._plane_stream import pairing_of


class NapariStreamVisualizer:
    """Starts, finds and ends the napari viewer of a pipeline.

    Parameters
    ----------
    filemanager
        Where the pipeline saves; its ``napari_stream`` backend is closed by `stop_viewer`.
    visualizer_config
        Display and delivery; the other parameters, where given, win over it.
    viewer_title
        Title of the window, where one is opened.
    persistent
        Whether the viewer outlives this process.
    napari_port
        The viewer's data port.
    replace_layers
        Whether a plane sent again replaces the old one in place.
    """

    def __init__(
        self,
        filemanager: FileManager,
        visualizer_config: NapariStreamingConfig | None = None,
        viewer_title: str = "platecast",
        persistent: bool | None = None,
        napari_port: int | None = None,
        replace_layers: bool | None = None,
    ) -> None:
        given = {"persistent": persistent, "napari_port": napari_port, "replace_layers": replace_layers}
        chosen = visualizer_config.model_dump(exclude_unset=True) if visualizer_config is not None else {}
        chosen |= {name: value for name, value in given.items() if value is not None}
        self.config = with_place(NapariStreamingConfig(**chosen), os.environ)
        self.filemanager = filemanager
        self.viewer_title = viewer_title

    @property
    def port(self) -> int:
        """The viewer's data port."""
        return self.config.napari_port

    def start_viewer(self, async_mode: bool = False, timeout_s: float = 30.0) -> None:
        """Find or start the viewer.

        Parameters
        ----------
        async_mode
            Return at once and start in the background; what is sent meanwhile waits for the viewer.
        timeout_s
            How long to wait for it otherwise.

        Raises
        ------
        PlatecastError
            The viewer did not start; with `async_mode` that is logged instead.
        """
        link = self._link()
        or_next = "napari_port" not in self.config.model_fields_set
        link.start_viewer(
            persistent=self.config.persistent,
            title=self.viewer_title,
            or_next=or_next,
            memory_budget_mb=self.config.memory_budget_mb,
        )
        if not async_mode:
            link.wait_started(timeout_s)
            if not (self.is_running or link.wait_linked(timeout_s)):
                raise PlatecastError(f"no viewer came up on port {self.port}; the log says why")

    @property
    def is_running(self) -> bool:
        """Whether a viewer of this user is on the port; of another machine's, whether it takes planes."""
        if not self.config.is_local:
            return self._link().linked
        return find_viewer(self.port) is not None

    def stop_viewer(self) -> None:
        """Wait, a bounded time, for planes on their way; quit the viewer unless it is persistent."""
        self.filemanager.backend("napari_stream").close()
        viewer = find_viewer(self.port) if self.config.is_local else None
        if viewer is not None and not self.config.persistent:
            quit_viewer(viewer.endpoint)

    def _link(self) -> Link:
        return links.get(self.port, self.config.budget_mb, pairing=pairing_of(self.config))
