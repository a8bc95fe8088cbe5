"""Opens a plate that is dropped on napari, with or without a window of ours around it.

What lies where is known from names and metadata; of each kind of plane the first that can be read says its
size and contrast, and the others are read when they are looked at.
"""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy.typing as npt

from platecast.components import Components, Kind, PlaneId, is_telling
from platecast.config import Display
from platecast.errors import PlatecastError, StorageError
from platecast.layers import LayerStore, Shelf, StoredLayer, robust_contrast
from platecast.storage import Plate, PlateImage, is_plate, load_resting, open_plate
from platecast.viewer._napari._plane_layers import channel_colormap
from platecast.viewer._napari._sliders import AXIS_LABELS

_log = logging.getLogger(__name__)

_LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
_Path: TypeAlias = str | Sequence[str]
_TRIES = 3
"""Planes of a kind that are read until one can be."""
_Class: TypeAlias = tuple[int | str | None, bool, bool]


def get_reader(path: _Path) -> Callable[[_Path], list[_LayerData]] | None:
    """Return what reads a plate, or `None` where there is none: napari's question before it opens something.

    Parameters
    ----------
    path
        A folder, an OME-Zarr plate, or a file that describes a plate, such as ``Index.xml``; one only.
    """
    text = _only(path)
    if text is None:
        return None
    if os.path.isfile(text) and not is_telling(os.path.basename(text)):
        return None
    return read_plate if is_plate(text) else None


def read_plate(path: _Path) -> list[_LayerData]:
    """Return a plate's layers as napari takes them, one for each channel.

    Raises
    ------
    StorageError
        It could not be opened, or has no image that can be read.
    """
    plate = open_plate(_only(path) or "")
    store = _fill(plate)
    if not store.layers:
        raise StorageError(f"{plate.path}: there is no image that can be read")
    scales = store.scales()
    return [_layer_data(layer, store, plate, scales[layer.key].steps) for layer in store.layers]


def _only(path: _Path) -> str | None:
    if isinstance(path, (str, os.PathLike)):
        return os.fspath(path)
    return os.fspath(path[0]) if len(path) == 1 else None


def _fill(plate: Plate) -> LayerStore:
    """File every plane of a plate, none of which stays in memory."""
    store = LayerStore()
    shelf = Shelf(load_resting)
    for layout in plate.layouts:
        store.announce(layout)
    kinds: dict[_Class, list[PlateImage]] = {}
    for image in plate.images:
        kinds.setdefault(_class_of(image.components), []).append(image)
    display = Display()
    for images in kinds.values():
        tries = (_read(plate, image) for image in images[:_TRIES])
        first = next((pixels for pixels in tries if pixels is not None), None)
        if first is None:
            _log.warning("%s: none of %d images like it could be read", images[0].path, len(images))
            continue
        contrast = None if first.ndim == 3 else robust_contrast(first)
        for image in images:
            plane = shelf.plane(image.address, first.shape, first.dtype)
            store.put(PlaneId(components=image.components), display, plane, contrast, None)
    return store


def _class_of(components: Components) -> _Class:
    """Return what planes have in common that have one size: a projection may have another than its stack."""
    return components.channel, components.z_index is not None, components.timepoint is not None


def _read(plate: Plate, image: PlateImage) -> npt.NDArray[Any] | None:
    try:
        return plate.read(image)
    except PlatecastError as error:
        _log.warning("%s", error)
        return None


def _layer_data(layer: StoredLayer, store: LayerStore, plate: Plate, scale: tuple[float, ...]) -> _LayerData:
    channel = layer.key.channel
    called = plate.channel_names.get(channel) if channel is not None else None
    name = layer.name if len(store.layers) > 1 else plate.name
    options: dict[str, Any] = {
        "name": f"{name} ({called})" if called and called != channel else name,
        "visible": not _is_beside_stack(layer, store),
        "axis_labels": AXIS_LABELS,
        "scale": scale,
        "multiscale": False,
        "metadata": {"platecast": {"path": plate.path, "problems": plate.problems}},
    }
    if layer.key.kind is Kind.LABELS:
        return layer.stack, options, "labels"
    if layer.contrast is None:
        return layer.stack, options | {"rgb": True}, "image"
    options |= {
        "rgb": False,
        "blending": "additive",
        "colormap": channel_colormap(layer, store),
        "contrast_limits": layer.contrast,
    }
    return layer.stack, options, "image"


def _is_beside_stack(layer: StoredLayer, store: LayerStore) -> bool:
    """Return whether a layer is the projection of another one, over which it would lie."""
    if "z_index" in layer.key.present:
        return False
    return any(
        "z_index" in other.key.present
        and (other.key.plate, other.key.channel) == (layer.key.plate, layer.key.channel)
        for other in store.layers
    )
