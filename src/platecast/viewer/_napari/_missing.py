"""Which visible layers have no plane on screen, and where their picture would be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari.layers import Layer
from napari.viewer import ViewerModel

from platecast.layers import Loss, LossState, PlaneStack, StoredLayer
from platecast.viewer._napari._sliders import Sliders


@dataclass(frozen=True, slots=True)
class MissingPlanes:
    """What is missing on screen.

    Parameters
    ----------
    names
        Of the visible layers without a plane.
    losses
        For each of them, why it has none, if that is known.
    is_everything
        No visible layer has one.
    box
        Where they would be, in world coordinates: least y and x, greatest y and x; `None` where the picture
        is not that of planes.
    cells
        The same for each cell of napari's grid, in its order; empty without a grid.
    """

    names: tuple[str, ...] = ()
    losses: tuple[Loss | None, ...] = ()
    is_everything: bool = False
    box: tuple[float, float, float, float] | None = None
    cells: tuple["MissingPlanes", ...] = ()

    @property
    def is_dropped(self) -> bool:
        """Whether a plane is missing because its sender dropped it."""
        return any(loss is not None and loss.state is LossState.DROPPED for loss in self.losses)


def missing_planes(visible: Sequence[tuple[StoredLayer, Layer]], sliders: Sliders) -> MissingPlanes:
    """Return what is missing among the visible layers."""
    missing = [(stored, layer) for stored, layer in visible if not sliders.has_plane_here(stored)]
    if not missing:
        return MissingPlanes()
    return MissingPlanes(
        tuple(layer.name for _, layer in missing),
        tuple(sliders.loss_here(stored) for stored, _ in missing),
        len(missing) == len(visible),
        _box(missing) if sliders.shows_planes else None,
    )


def missing_in_cells(
    visible: Sequence[tuple[StoredLayer, Layer]],
    sliders: Sliders,
    viewer: ViewerModel,
) -> MissingPlanes:
    """Return what is missing among the visible layers, also cell by cell where napari shows a grid."""
    missing = missing_planes(visible, sliders)
    grid = viewer.canvas.grid
    if not grid.enabled or not missing.names:
        return missing
    stored = {layer: (stored, layer) for stored, layer in visible}
    cells = []
    for _, indices in grid.iter_viewboxes(viewer.layers):
        members = [viewer.layers[index] for index in indices]
        known = [stored[layer] for layer in members if layer in stored]
        cells.append(missing_planes(known, sliders))
    return replace(missing, cells=tuple(cells))


def _box(layers: Sequence[tuple[StoredLayer, Layer]]) -> tuple[float, float, float, float] | None:
    """Return the frame around the planes, `None` of records; pixel centres lie on whole numbers."""
    corners = []
    for stored, layer in layers:
        if not isinstance(stored.stack, PlaneStack):
            continue
        height, width = stored.stack.plane_shape[:2]
        y, x = (float(length) for length in layer.scale[-2:])
        top, left = (float(offset) for offset in layer.translate[-2:])
        corners.append((top - y / 2, left - x / 2, top + (height - 0.5) * y, left + (width - 0.5) * x))
    if not corners:
        return None
    return (
        min(corner[0] for corner in corners),
        min(corner[1] for corner in corners),
        max(corner[2] for corner in corners),
        max(corner[3] for corner in corners),
    )
