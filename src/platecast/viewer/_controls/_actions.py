"""What menus, keys and the command palette do in a window that shows a stream."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info, show_warning
from napari.viewer import Viewer
from qtpy.QtGui import QAction, QKeySequence  # type: ignore[attr-defined]  # moved, where mypy does not look
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QProgressDialog

from platecast.layers import Value
from platecast.viewer._controls._window_parts import WindowParts, find_parts
from platecast.viewer._napari._private import help_menu, main_window
from platecast.viewer._session._clearing import runs_of
from platecast.viewer._session._steps import sorted_steps, step_text

_NO_STREAM = "This window shows no stream of planes"


def next_well() -> None:
    """Go to the next well that has images, row by row."""
    _step("well", 1)


def previous_well() -> None:
    """Go to the well before that has images."""
    _step("well", -1)


def next_site() -> None:
    """Go to the next site; after the last one comes the first."""
    _step("site", 1)


def previous_site() -> None:
    """Go to the site before; before the first one comes the last."""
    _step("site", -1)


def toggle_following() -> None:
    """Let the sliders follow the newest plane, or stay."""
    parts = _parts()
    if parts is not None:
        following = parts.session.following
        following.chosen = not following.is_on
        show_info("The newest plane is followed" if following.is_on else "The newest plane is not followed")


def compare_side_by_side() -> None:
    """Show the two newest steps beside each other, or end the comparison."""
    parts = _parts()
    if parts is None:
        return
    steps = parts.canvas.steps[-2:]
    if parts.canvas.compared:
        parts.canvas.compare((), side_by_side=True)
    elif len(steps) < 2:
        show_info("There is nothing to compare: images of one step only")
    else:
        parts.canvas.compare(steps, side_by_side=True)


def show_next_step() -> None:
    """Show the compared steps in turns; begin with the two newest where nothing is compared."""
    parts = _parts()
    if parts is None:
        return
    if parts.canvas.compared:
        parts.canvas.turn()
    elif len(parts.canvas.steps) > 1:
        parts.canvas.compare(parts.canvas.steps[-2:], side_by_side=False)


def clear_all() -> None:
    """Let every layer of the stream go."""
    _clear()


def clear_earlier_runs() -> None:
    """Let the layers of all runs but the newest go."""
    _clear(earlier_runs=True)


def clear_run() -> None:
    """Ask for a run, and let its layers go."""
    parts = _parts()
    if parts is not None:
        run = _choose("Clear a run", "Run:", runs_of(parts.store.layers))
        if run is not None:
            _clear(run=run)


def clear_step() -> None:
    """Ask for a step, and let its layers go."""
    parts = _parts()
    if parts is not None:
        steps = [step for step in sorted_steps(layer.key for layer in parts.store.layers) if step is not None]
        chosen = _choose("Clear a step", "Step:", [step_text(step) for step in steps])
        if chosen is not None:
            _clear(step=chosen)


def export_images() -> None:
    """Ask for a name, and write the images and labels of the newest run into an OME-Zarr store."""
    parts = _parts()
    if parts is None:
        return
    path, _ = QFileDialog.getSaveFileName(
        _window(parts), "Export images and labels", "plate.zarr", "OME-Zarr plate (*.zarr)"
    )
    if path:
        path = path if path.lower().endswith(".zarr") else f"{path}.zarr"
        parts.session.submit("export", functools.partial(_watch_export, parts), path=path)


def save_screenshot() -> None:
    """Ask for a name, and save the picture that is on the canvas."""
    parts = _parts()
    if parts is None:
        return
    path, _ = QFileDialog.getSaveFileName(_window(parts), "Save the picture", "picture.png", "PNG (*.png)")
    if path:
        target = Path(path if path.lower().endswith(".png") else f"{path}.png")
        try:
            target.write_bytes(parts.canvas.screenshot(canvas_only=True))
        except OSError as error:
            show_warning(f"The picture could not be saved: {error}")
        else:
            show_info(f"Saved {target}")


def show_keys() -> None:
    """List the keys."""
    rows = "".join(f"<tr><td><b>{key.shortcut}</b>&nbsp;&nbsp;</td><td>{key.title}</td></tr>" for key in KEYS)
    rows += "".join(f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{what}</td></tr>" for keys, what in _MAP_KEYS)
    parts = _parts()
    if parts is not None:
        QMessageBox.information(_window(parts), "Keys of platecast", f"<table>{rows}</table>")


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the window.

    Parameters
    ----------
    shortcut
        As Qt writes it. None that napari has for a layer of its user's.
    title
        What it does.
    callback
        Does it.
    """

    shortcut: str
    title: str
    callback: Callable[[], None]


KEYS = (
    Key(".", "Next well with images", next_well),
    Key(",", "Previous well with images", previous_well),
    Key("PgDown", "Next site", next_site),
    Key("PgUp", "Previous site", previous_site),
    Key("Ctrl+K", "Compare the two newest steps side by side, or end the comparison", compare_side_by_side),
    Key("K", "Compare steps in turns: the next one", show_next_step),
    Key("Ctrl+Shift+N", "Follow the newest plane, or stay", toggle_following),
)
_MAP_KEYS = (
    ("Arrows", "Next well with images in that direction (in the plate map)"),
    ("Enter", "Images of the well (in the plate map)"),
)


def add_keys(viewer: Viewer) -> None:
    """Let a window have the keys, wherever in it the focus is, and list them in its menu *Help*."""
    window = main_window(viewer)
    for key in KEYS:
        action = QAction(key.title, window)
        action.setShortcut(QKeySequence(key.shortcut))
        action.triggered.connect(lambda _checked=False, callback=key.callback: callback())
        window.addAction(action)
    listed = QAction("Keys of platecast", window)
    listed.triggered.connect(lambda _checked=False: show_keys())
    help_menu(viewer).addAction(listed)


def neighbour(values: Sequence[Value], here: Value | None, step: int, *, wraps: bool) -> Value | None:
    """Return the value after or before another one; `None` where there is none.

    Parameters
    ----------
    values
        All of them, in their order.
    here
        Where to start; it need not be among them.
    step
        1 or -1.
    wraps
        Whether the first comes after the last.
    """
    if not values:
        return None
    if here not in values:
        return values[0] if step > 0 else values[-1]
    place = values.index(here) + step
    if wraps:
        return values[place % len(values)]
    return values[place] if 0 <= place < len(values) else None


def _step(component: str, step: int) -> None:
    parts = _parts()
    if parts is None:
        return
    here = parts.canvas.values_on_screen().get(component)
    known = parts.store.values(component)
    if component == "well":
        filled = parts.watch.model.filled_wells()
        known = tuple(value for value in known if value in filled or value == here)
    elif component == "site":
        known = parts.canvas.values_here("site") or known
    value = neighbour(known, here, step, wraps=component != "well")
    if value is not None and value != here:
        parts.canvas.go_to({component: value})


def _clear(**args: object) -> None:
    parts = _parts()
    if parts is not None:
        parts.session.submit("clear", _tell_cleared, **args)


def _watch_export(parts: WindowParts, answer: dict[str, Any], _blobs: Sequence[bytes]) -> None:
    """Show how far an export is, with a way to end it."""
    export = parts.session.exports.latest
    if "error" in answer or export is None:
        show_warning(str(answer.get("error")))
        return
    dialog = QProgressDialog("Writing planes …", "Cancel", 0, export.progress.planes, _window(parts))
    dialog.setWindowTitle("Export")
    dialog.setMinimumDuration(500)
    dialog.setAutoClose(False)
    dialog.setAutoReset(False)
    dialog.canceled.connect(export.cancel)

    def show() -> None:
        progress = export.progress
        if export.is_running:
            dialog.setLabelText(f"{progress.written:,} of {progress.planes:,} planes in {progress.path}")
            dialog.setValue(progress.written)
            return
        export.progressed.disconnect(show)
        # Otherwise closing would be taken for a wish to cancel.
        dialog.canceled.disconnect(export.cancel)
        dialog.close()
        dialog.deleteLater()
        tell = show_warning if progress.failure or progress.skipped else show_info
        tell(str(progress))

    export.progressed.connect(show)
    show()


def _tell_cleared(answer: dict[str, Any], _blobs: Sequence[bytes]) -> None:
    if "error" in answer:
        show_warning(str(answer["error"]))
    else:
        show_info(
            f"{answer['cleared']} layers with {answer['planes']:,} planes cleared, "
            f"{answer['freed_mb']:,.0f} MB freed"
        )


def _choose(title: str, label: str, items: Sequence[str]) -> str | None:
    parts = _parts()
    if parts is None:
        return None
    if not items:
        show_info(f"{title}: there is none")
        return None
    chosen, is_accepted = QInputDialog.getItem(_window(parts), title, label, list(items), 0, False)
    return chosen if is_accepted else None


def _window(parts: WindowParts) -> Any:  # noqa: ANN401 -- a QMainWindow
    return parts.parent()


def _parts() -> WindowParts | None:
    parts = find_parts()
    if parts is None:
        show_info(_NO_STREAM)
    return parts
