"""Thermo Fisher: CellInsight and ArrayScan (Cellomics), EVOS.

The two share the tail ``<well>f<field>d<dye>``; EVOS states time and z before it.
"""

from platecast.components._conventions._convention import IMAGE, FilenameConvention, grammar, numbers_from

_TAIL = r"(?P<well>[A-Za-z]{1,2}[0-9]{2})f(?P<site>[0-9]{2,})d(?P<channel>[0-9]+)"

EVOS = FilenameConvention(
    name="EVOS",
    pattern=grammar(
        rf".+_[A-Z]{{1,2}}_p(?P<timepoint>[0-9]+)(?:_z(?P<z_index>[0-9]+))?_[0-9]+_{_TAIL}{IMAGE}"
    ),
    base=numbers_from(0, "site", "channel", "z_index", "timepoint"),
    marker="_p",
)

ARRAYSCAN = FilenameConvention(
    name="CellInsight/ArrayScan",
    pattern=grammar(
        r"(?:(?P<plate>.+?)(?:_|_?i[0-9]+t(?P<timepoint>[0-9]{3})_?))??",
        rf"{_TAIL}(?:{IMAGE}|\.(?i:c01|dib))",
    ),
    base=numbers_from(0, "site", "channel", "timepoint"),
    marker="d",
)
