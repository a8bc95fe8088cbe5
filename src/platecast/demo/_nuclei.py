"""Which channel shows the nuclei: from the stains' names where an instrument wrote them down."""

import re
from collections.abc import Iterable, Mapping

from platecast.errors import PipelineError

_NUCLEAR_STAIN = re.compile(
    r"dapi|hoechst|draq\s*[57]|nuc(lei|lear|leus|blue|red|spot)?\b|h2b", re.IGNORECASE
)


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
