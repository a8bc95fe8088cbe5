"""napari layers for stored layers: how they are made, and how one takes over from another."""

import logging
from collections.abc import Mapping
from typing import Any

from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import ensure_colormap

from platecast.layers import LayerStore, StoredLayer, contrast_range
from platecast.viewer._napari._planes import PlaneImage, PlaneLabels
from platecast.viewer._napari._record_view import make_record_layer, record_settings
from platecast.viewer._napari._sliders import AXIS_LABELS
from platecast.viewer._session._look import SINGLE_COLORMAP, channel_colormaps

_log = logging.getLogger(__name__)

_LABELS_OPACITY = 0.5
_RECORDS_COLOR = "yellow"
Settings = Mapping[str, Any]
"""What a user may have set on a layer, by napari's names."""

_OF_ALL = ("opacity", "blending")
_OF_IMAGES = ("gamma", "interpolation2d", "interpolation3d", "rendering", "contrast_limits_range")
_OF_LABELS = ("contour", "colormap")


def make_layer(layer: StoredLayer, colormap: str | None, **common: Any) -> Layer:  # noqa: ANN401 -- napari's own
    """Return a napari layer of a stored one.

    Parameters
    ----------
    layer
        Whose planes it shows.
    colormap
        Of an image that has only one channel; the colour of records.
    **common
        Further arguments of napari's layers.
    """
    if layer.key.is_records:
        return make_record_layer(layer, colormap or _RECORDS_COLOR, **common)
    common |= {"name": layer.name, "axis_labels": AXIS_LABELS, "multiscale": False}
    if layer.key.is_labels:
        made = PlaneLabels(layer.stack, opacity=_LABELS_OPACITY, **common)
        # Planes are read-only and may be shared with the process that sent them.
        made.editable = False
        return made
    if layer.contrast is None:
        return PlaneImage(layer.stack, rgb=True, blending="translucent", **common)
    made = PlaneImage(
        layer.stack,
        rgb=False,
        colormap=colormap,
        contrast_limits=layer.contrast,
        blending="additive",
        **common,
    )
    made.contrast_limits_range = contrast_range(layer.stack.dtype, layer.contrast)
    return made


def wanted_colormap(layer: StoredLayer) -> str | None:
    """Return the colormap that the sender asks for, if napari knows it."""
    name = layer.display.colormap
    if name is None or layer.contrast is None:
        return None
    try:
        ensure_colormap(name)
    except (KeyError, ValueError, TypeError):
        _log.warning("layer %s: napari has no colormap %r, it gets that of its channel", layer.name, name)
        return None
    return name


def channel_colormap(layer: StoredLayer, store: LayerStore) -> str:
    """Return the colormap of a layer's channel among all channels of a store."""
    keys = [other.key for other in store.layers if other.contrast is not None]
    channels = list(dict.fromkeys(key.channel for key in keys if key.channel is not None))
    channel = layer.key.channel
    several = len(channels) > 1 or len(store.axes.announced("channel")) > 1
    if channel is None or not several:
        return SINGLE_COLORMAP
    return channel_colormaps(channels)[channel]


def settings_of(layer: Layer) -> Settings:
    """Return what a user may have set on a layer."""
    names = list(_OF_ALL)
    if isinstance(layer, Labels):
        names += _OF_LABELS
    elif not isinstance(layer, Image):
        return {name: getattr(layer, name) for name in names} | record_settings(layer)
    elif not layer.rgb:
        # The range before the limits: limits must lie inside.
        names += [*_OF_IMAGES, "contrast_limits", "colormap"]
    return {name: getattr(layer, name) for name in names}


def take_over(layer: Layer, settings: Settings) -> None:
    """Let a layer look as another one did."""
    for name, value in settings.items():
        setattr(layer, name, value)
