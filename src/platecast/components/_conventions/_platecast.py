"""Our own convention: the names of results written to disk, from which the same components are read back.

``plate-P1_well-A01_site-1_channel-DAPI_z-3_t-1.tif``: the components that are there, in the order of
`COMPONENT_NAMES`. Text is percent-encoded (UTF-8) but for letters, digits and ``~``, so that ``_``, ``-`` and
``.`` keep their meaning. A channel of digits alone is a number; where it is text, its first digit is encoded.
"""

import re
from urllib.parse import quote, unquote

from platecast.components._components import Components
from platecast.components._conventions._convention import (
    FilenameConvention,
    NamedPath,
    Values,
    grammar,
    numbers_from,
)

_SUFFIX = r"(?:(?:\.ome)?\.tiff?|\.png|\.jpe?g|\.npy|\.npz|\.csv|\.parquet)?"
_SUFFIXES = re.compile(_SUFFIX, re.ASCII | re.IGNORECASE)
_TEXT = r"[A-Za-z0-9~%]*"
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def _decode(values: Values, _path: NamedPath, _plate_columns: int | None) -> None:
    if values["plate"] is not None:
        values["plate"] = unquote(values["plate"], errors="surrogatepass")
    channel = values["channel"]
    if channel is not None:
        is_number = _DIGITS.fullmatch(channel)
        values["channel"] = int(channel) if is_number else unquote(channel, errors="surrogatepass")


PLATECAST = FilenameConvention(
    name="platecast",
    pattern=grammar(
        rf"(?:\Aplate-(?P<plate>{_TEXT}))?",
        r"(?:(?:\A|_)well-(?P<well>[A-Z]{1,2}[0-9]{2}))?",
        r"(?:(?:\A|_)site-(?P<site>[0-9]+))?",
        rf"(?:(?:\A|_)channel-(?P<channel>{_TEXT}))?",
        r"(?:(?:\A|_)z-(?P<z_index>[0-9]+))?",
        r"(?:(?:\A|_)t-(?P<timepoint>[0-9]+))?",
        rf"(?<=.)(?i:{_SUFFIX})",
    ),
    base=numbers_from(None, "site", "z_index", "timepoint"),
    marker="-",
    refine=_decode,
)


def format_name(components: Components, suffix: str = ".tif") -> str:
    """Return the name under which a result of these components is written.

    `parse_name` reads the same components back from it.

    Parameters
    ----------
    components
        What the result is; absent components are absent from the name.
    suffix
        ``.tif``, ``.tiff`` (``.ome`` may precede), ``.png``, ``.jpg``, ``.npy``, ``.npz``, ``.csv``,
        ``.parquet``, or nothing.

    Raises
    ------
    ValueError
        `suffix` is another one: the name could not be read back.

    Examples
    --------
    >>> format_name(Components(well="A1", site=1, channel="DAPI", z_index=3, timepoint=1))
    'well-A01_site-1_channel-DAPI_z-3_t-1.tif'
    >>> format_name(Components(plate="24-10 #3", channel="0"), ".ome.tif")
    'plate-24%2D10%20%233_channel-%30.ome.tif'
    """
    if _SUFFIXES.fullmatch(suffix) is None:
        raise ValueError(f"suffix={suffix!r} is not one that a result is written with: use '.tif'")
    parts = []
    if components.plate is not None:
        parts.append(f"plate-{_encode(components.plate)}")
    if components.well is not None:
        parts.append(f"well-{components.well}")
    if components.site is not None:
        parts.append(f"site-{components.site:d}")
    channel = components.channel
    if isinstance(channel, str):
        parts.append(f"channel-{_encode_channel(channel)}")
    elif channel is not None:
        parts.append(f"channel-{channel:d}")
    if components.z_index is not None:
        parts.append(f"z-{components.z_index:d}")
    if components.timepoint is not None:
        parts.append(f"t-{components.timepoint:d}")
    return "_".join(parts) + suffix


def _encode(text: str) -> str:
    quoted = quote(text, safe="", errors="surrogatepass")
    return quoted.replace("-", "%2D").replace("_", "%5F").replace(".", "%2E")


def _encode_channel(text: str) -> str:
    if _DIGITS.fullmatch(text):
        return f"%{ord(text[0]):02X}{text[1:]}"
    return _encode(text)
