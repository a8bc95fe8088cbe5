"""How instruments name their images: one entry a convention, in one table."""

from platecast.components._conventions._convention import FilenameConvention, NamedPath
from platecast.components._conventions._platecast import format_name
from platecast.components._conventions._table import CONVENTIONS

__all__ = ["CONVENTIONS", "FilenameConvention", "NamedPath", "format_name"]
