"""Which channel shows the nuclei: from the stains' names where an instrument wrote them down."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from platecast.errors import PipelineError
from platecast.pipeline import PlateImage

_NUCLEAR_STAIN = re.compile(
    r"dapi|hoechst|draq\s*[57]|nuc(lei|lear|leus|blue|red|spot)?\b|h2b", re.IGNORECASE
)
_HARMONY_INDEX = "Index*.xml"

_logger = logging.getLogger(__name__)


def guess_nuclei_channel(
    channels: Iterable[int | str | None], names: Mapping[int | str, str] | None = None
) -> int | str:
    """Return the channel that is most likely to show nuclei.

    Parameters
    ----------
    channels
        The channels there are, as the images' names state them.
    names
        What the instrument calls them, where it is known.

    Returns
    -------
    int or str
        The first channel whose name, or which itself, speaks of a nuclear stain; otherwise the lowest.

    Raises
    ------
    PipelineError
        No image states a channel.

    Examples
    --------
    >>> guess_nuclei_channel(["RFP", "DAPI"])
    'DAPI'
    >>> guess_nuclei_channel([1, 2, 5], {5: "HOECHST 33342"})
    5
    """
    names = names or {}
    present = {channel for channel in channels if channel is not None}
    known = sorted(present, key=lambda channel: (isinstance(channel, str), channel))
    if not known:
        raise PipelineError("the images' names state no channel: nuclei cannot be told from the rest")
    stained = [channel for channel in known if _NUCLEAR_STAIN.search(str(names.get(channel, channel)))]
    return stained[0] if stained else known[0]


def find_channel(
    wanted: int | str, channels: Iterable[int | str | None], names: Mapping[int | str, str] | None = None
) -> int | str:
    """Return the channel that somebody means by its number or by a name in any case.

    Raises
    ------
    PipelineError
        There is none; the message lists those there are.

    Examples
    --------
    >>> find_channel("5", [1, 5], {5: "HOECHST 33342"})
    5
    """
    names = names or {}
    known = sorted({channel for channel in channels if channel is not None}, key=str)
    text = str(wanted).strip().lower()
    for channel in known:
        if text in (str(channel).lower(), names.get(channel, "").lower()):
            return channel
    there = ", ".join(
        f"{channel} ({names[channel]})" if channel in names else str(channel) for channel in known
    )
    raise PipelineError(f"the plate has no channel {wanted!r}: there are {there or 'none'}")


def read_channel_names(plate: Path, images: Sequence[PlateImage]) -> dict[int | str, str]:
    """Return what the instrument calls the channels of a plate, as far as it is written beside the images.

    Reads the index of Harmony (Opera Phenix, Operetta) and the MetaSeries description in the TIFF files of
    MetaXpress (ImageXpress). Empty where there is neither.
    """
    for index in sorted(plate.rglob(_HARMONY_INDEX)):
        try:
            names = _harmony_names(index)
        except (OSError, ElementTree.ParseError) as error:
            _logger.warning("the channel names in %s could not be read: %s", index, error)
            continue
        if names:
            return _sorted(names)
    return _sorted(_metaseries_names(images))


def _sorted(names: dict[int | str, str]) -> dict[int | str, str]:
    return dict(sorted(names.items(), key=lambda item: str(item[0])))


def _harmony_names(index: Path) -> dict[int | str, str]:
    """Read pairs of ChannelID and ChannelName.

    They are elements of an Image in Harmony 4 and 5; later, a Map's Entry bears the ID as an attribute.
    """
    names: dict[int | str, str] = {}
    for _, element in ElementTree.iterparse(index):  # noqa: S314 -- see above
        if element.tag.rpartition("}")[2] not in ("Image", "Entry"):
            continue
        inside = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
        number = element.get("ChannelID") or inside.get("ChannelID", "")
        if number.isdigit() and inside.get("ChannelName"):
            names.setdefault(int(number), inside["ChannelName"])
        element.clear()
    return names


def _metaseries_names(images: Sequence[PlateImage]) -> dict[int | str, str]:
    """Read the illumination setting of one image of each channel."""
    import tifffile

    first = {image.components.channel: image.path for image in reversed(images)}
    names: dict[int | str, str] = {}
    for channel, path in first.items():
        if channel is None:
            continue
        try:
            with tifffile.TiffFile(path) as tiff:
                description = tiff.pages.first.description
        except (OSError, tifffile.TiffFileError):
            continue  # the run itself will say that this image cannot be read
        setting = re.search(r'id="_IllumSetting_"[^>]*value="([^"]+)"', description)
        if setting is not None:
            names[channel] = setting[1]
    return names
