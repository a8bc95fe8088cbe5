"""Which images of a plate are meant by wells and values that were chosen. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from platecast.components import COMPONENT_NAMES
from platecast.storage import PlateImage

FILTERED = ("site", "channel", "z_index", "timepoint")
"""The components that have a filter of their own; wells are chosen on the plate."""


def choose_images(
    images: Iterable[PlateImage],
    *,
    plate: str | None = None,
    wells: Sequence[str] = (),
    values: Mapping[str, Sequence[int | str]] | None = None,
) -> tuple[PlateImage, ...]:
    """Return the images that are meant, in their order.

    Parameters
    ----------
    images
        All of them.
    plate
        Only of this plate; `None`: of all.
    wells
        Only of these wells; empty: of all.
    values
        By component the values that are wanted; an image without the component is wanted, too: a projection
        is no slice, and is not taken away by choosing some.
    """
    wanted_wells = frozenset(wells)
    wanted = {name: frozenset(some) for name, some in (values or {}).items()}
    found = []
    for image in images:
        components = image.components
        if plate is not None and components.plate != plate:
            continue
        if wanted_wells and components.well not in wanted_wells:
            continue
        if all(getattr(components, name) in some | {None} for name, some in wanted.items()):
            found.append(image)
    return tuple(found)


def describe_image(
    image: PlateImage, names: Mapping[int | str, str], told: Collection[str] = COMPONENT_NAMES
) -> str:
    """Return what an image is in a few words, such as ``B02 · s3 · z4 · DAPI``.

    Parameters
    ----------
    image
        The image.
    names
        What channels are called.
    told
        The components that are told.
    """
    components = image.components
    parts = [components.well or ""]
    if components.site is not None and "site" in told:
        parts.append(f"s{components.site}")
    if components.z_index is not None and "z_index" in told:
        parts.append(f"z{components.z_index}")
    if components.timepoint is not None and "timepoint" in told:
        parts.append(f"t{components.timepoint}")
    if components.channel is not None:
        parts.append(names.get(components.channel, str(components.channel)))
    return " · ".join(part for part in parts if part)
