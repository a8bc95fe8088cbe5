"""Every use of napari's private names but for layers and how they are drawn, and why there is no public way.

Verified with napari 0.9.2; the dependency is pinned below 0.10.
"""

# ruff: noqa: SLF001 -- that is what this module is for

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from napari.layers import Layer
from napari.viewer import Viewer, ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget


def update_extents(viewer: ViewerModel, layers: Iterable[Layer]) -> None:
    """Let the sliders follow layers whose data changed its shape.

    The public way, assigning ``layer.data`` to itself, slices and repaints each layer and visits all layers
    once for each of them: 17 ms for four layers, against 3 ms.
    """
    for layer in layers:
        layer._clear_extent()
    viewer._on_layers_change()


def slice_once(viewer: ViewerModel) -> None:
    """Let a move of the sliders slice the layers once.

    napari slices for the new point and again for the new step, which is the same, because of an event that
    pydantic leaves out elsewhere (its own remark on it names #5522 and #5751). The second time finds that
    nothing is to be done, after 1 ms a layer.
    """
    dims, sliced = viewer.dims, [()]

    def update(event: object = None) -> None:
        if dims.point != sliced[0]:
            sliced[0] = dims.point
            viewer._update_layers()

    for event in (dims.events.point, dims.events.current_step):
        event.disconnect(viewer._update_layers)
        event.connect(update)


@contextmanager
def selecting_new(viewer: ViewerModel, *, is_wanted: bool) -> Iterator[None]:
    """Let napari select layers that are inserted, or leave the selection as it is.

    It selects each one otherwise and shows its controls, which takes a third of the time of inserting it, and
    as long again to be undone.
    """
    viewer.layers._activate_on_insert = is_wanted
    try:
        yield
    finally:
        viewer.layers._activate_on_insert = True


def slice_in_background(viewer: Viewer, *, is_wanted: bool) -> None:
    """Have what is looked at next sliced in another thread, or in this one.

    napari's setting (`experimental.async_`) is for all of napari and for every slice, and makes planes in
    memory appear 16 ms later; only planes that must be read are worth a thread.
    """
    viewer._layer_slicer._force_sync = not is_wanted


def on_loaded(layer: Layer, callback: Callable[[], None]) -> None:
    """Call back when a plane that is sliced in the background begins to be read, and when it is there.

    napari 0.9.2 never emits its public event for it, `layer.events.loaded`. After an error it may call in
    the slicing thread, where nothing may be drawn; the next slice tells then.
    """

    def tell() -> None:
        if threading.current_thread() is threading.main_thread():
            callback()

    layer._slicing_state.loaded_data.connect(tell)


def unbind_program_on_removal(viewer: Viewer) -> None:
    """Keep the removal of a layer from crashing the next draw.

    vispy deletes the GL program of a removed layer while it may still be in use, which ends the process
    with Mesa's software renderers when a Shapes layer goes (the user's bin button is enough). The canvas
    that owns the GL context is not public.
    """
    from OpenGL import GL

    canvas = viewer.window._qt_viewer.canvas._scene_canvas

    def unbind(_event: object = None) -> None:
        canvas.set_current()
        GL.glUseProgram(0)

    viewer.layers.events.removing.connect(unbind)


def show_window(viewer: Viewer, width_px: int, height_px: int) -> None:
    """Show the window at a size, or as large as the screen; napari offers a size for its canvas only."""
    viewer.window.show()
    window = viewer.window._qt_window
    room = window.screen().availableGeometry()
    window.resize(min(width_px, room.width()), min(height_px, room.height()))


def on_composed(viewer: Viewer, callback: Callable[[], None]) -> None:
    """Call back each time the window has been composed and given to the screen; napari tells nobody."""
    viewer.window._qt_viewer.canvas._scene_canvas.native.frameSwapped.connect(callback)


def prepare_letters(viewer: Viewer, letters: str) -> None:
    """Draw letters for the line of text over the images; vispy takes 4 ms for each new one."""
    canvas = viewer.window._qt_viewer.canvas
    canvas._scene_canvas.set_current()
    for visual in canvas._viewer_overlay_to_visual.get(viewer.canvas.overlays.text, ()):
        for letter in letters:
            visual.node._font[letter]


def on_window_closed(viewer: Viewer, callback: Callable[[], None]) -> None:
    """Call back once when the window has gone, whoever closed it; napari has no event for it.

    The window deletes itself when it is closed. A close event would be too early: a dialog may refuse it.
    """
    viewer.window._qt_window.destroyed.connect(lambda: callback())


def scenes_of(viewer: Viewer) -> list[Any]:
    """Return vispy's scenes, in world coordinates of the displayed axes; napari draws layers only.

    That of the canvas, or in a grid that of each cell, in the grid's order.
    """
    canvas = viewer.window._qt_viewer.canvas
    if viewer.canvas.grid.enabled:
        return [view.scene for view in canvas.grid_views]
    return [canvas.view.scene]


def group_grid(viewer: ViewerModel, cells: Mapping[Layer, int] | None) -> None:
    """Say in which cell of the grid each visible layer is; `None` leaves it to napari again.

    napari's grid takes equally many neighbours of the list for each cell. Steps have different numbers of
    layers, and the order of the list is the user's. The grid is drawn anew when it is enabled next.
    """
    grid = viewer.canvas.grid
    grid.__dict__.pop("_viewbox_groups", None)
    if cells is not None:

        def groups(layers: Sequence[Layer]) -> tuple[dict[int, int], list[int]]:
            group_of = {index: cells.get(layer, 0) for index, layer in enumerate(layers)}
            return group_of, sorted({group_of[index] for index in grid._effective_indices(layers)})

        # Not by setattr: pydantic takes no attribute that is no field.
        grid.__dict__["_viewbox_groups"] = groups


def add_to_status_bar(viewer: Viewer, widget: Any) -> None:  # noqa: ANN401 -- a QWidget
    """Let a widget stay in the status bar; `viewer.status` is overwritten by every move of the mouse."""
    viewer.window._qt_window.statusBar().addPermanentWidget(widget)


def arrange_docks(viewer: Viewer, left_px: int, right_px: int) -> None:
    """Give the docks at both sides their widths; the images get the rest."""
    window, inner = viewer.window._qt_window, viewer.window._qt_viewer
    right = [
        dock
        for dock in window.findChildren(QDockWidget)
        if window.dockWidgetArea(dock) == Qt.DockWidgetArea.RightDockWidgetArea
    ]
    left = [inner.dockLayerControls, inner.dockLayerList]
    widths = [left_px] * len(left) + [right_px] * len(right)
    window.resizeDocks([*left, *right], widths, Qt.Orientation.Horizontal)


def main_window(viewer: Viewer) -> Any:  # noqa: ANN401 -- a QMainWindow
    """Return Qt's window, to which what belongs to a viewer can be attached.

    Plugins that are opened by menu get a proxy, which warns of private names wherever they are used.
    """
    return getattr(viewer, "__wrapped__", viewer).window._qt_window


def help_menu(viewer: Viewer) -> Any:  # noqa: ANN401 -- a QMenu
    """Return the menu *Help*, to which the manifests of plugins cannot add."""
    return viewer.window.help_menu
