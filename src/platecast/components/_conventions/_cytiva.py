"""Cytiva, formerly GE: IN Cell Analyzer.

The channel is text of two names, excitation and emission, with `` - `` between them and sometimes in them.
"""

from platecast.components._conventions._convention import IMAGE, FilenameConvention, grammar, numbers_from

IN_CELL = FilenameConvention(
    name="IN Cell",
    pattern=grammar(
        r"(?:(?P<plate>.+)[_ ])?(?P<well>[A-Za-z]{1,2}(?: ?- ?[0-9]{1,3}|[0-9]{1,2})) ?",
        r"\((?=fld |wv )(?:fld (?P<site>[0-9]+))?",
        r"(?: ?wv (?P<channel>(?:(?!\)\().)+?))?(?: wix [0-9]+)?(?: z (?P<z_index>[0-9]+))?",
        rf"(?: time (?P<timepoint>[0-9]+)(?: - [0-9.]+ ?ms)?)?\){IMAGE}",
    ),
    base=numbers_from(1, "site", "z_index", "timepoint"),
    marker="(",
)
