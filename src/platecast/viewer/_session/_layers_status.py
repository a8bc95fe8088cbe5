"""What is told of the layers, in a few words each."""

from collections.abc import Iterable

from platecast.layers import StoredLayer
from platecast.wire import LayerStatus


def layers_status(layers: Iterable[StoredLayer]) -> tuple[LayerStatus, ...]:
    """Return name, kind, planes and memory of each layer."""
    return tuple(
        LayerStatus(
            name=layer.name,
            kind=str(layer.key.kind),
            planes=layer.stack.count,
            nbytes=layer.stack.nbytes,
        )
        for layer in layers
    )
