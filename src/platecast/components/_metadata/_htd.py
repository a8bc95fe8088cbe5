"""MetaXpress' description of a plate (``.HTD``): lines of a quoted key and its values.

It states what was asked for. Wavelengths, time points and sites may be promised that were never taken, so
nothing is concluded from it about the images.
"""

import re

from platecast.components._metadata._text import to_int
from platecast.components._metadata._values import ChannelInfo, PlateMetadata
from platecast.errors import MetadataError

_LINE = re.compile(r'^[ \t]*"([^"\n]*)"[ \t]*,[ \t]*(.*?)[ \t\r]*$', re.MULTILINE)


def read_htd(text: str) -> PlateMetadata:
    """Return the plate's format and the wavelengths' names.

    Raises
    ------
    MetadataError
        It has none of the keys of such a file.
    """
    values = {key: value.strip().strip('"').strip() for key, value in _LINE.findall(text)}
    if not values.keys() & {"XWells", "YWells", "HTSInfoFile"}:
        raise MetadataError("it has none of the keys of a MetaXpress plate")
    count = to_int(values.get("NWavelengths")) or 0
    names = {number: values.get(f"WaveName{number}") for number in range(1, min(count, 99) + 1)}
    return PlateMetadata(
        source="MetaXpress",
        rows=to_int(values.get("YWells")),
        columns=to_int(values.get("XWells")),
        channels=tuple(ChannelInfo(channel=number, name=name) for number, name in names.items() if name),
    )
