"""Which files beside the images state something about the plate, and how each is read."""

import re
from collections.abc import Callable

from platecast.components._metadata._cellvoyager import read_mes, read_mlf, read_mrf
from platecast.components._metadata._harmony import read_harmony
from platecast.components._metadata._hcs_ai import read_image_table, read_jdce
from platecast.components._metadata._htd import read_htd
from platecast.components._metadata._in_cell import read_xdce
from platecast.components._metadata._micromanager import read_micromanager
from platecast.components._metadata._ome import read_ome
from platecast.components._metadata._squid import read_squid
from platecast.components._metadata._text import decode
from platecast.components._metadata._values import PlateMetadata
from platecast.errors import MetadataError

_Reader = Callable[[str], PlateMetadata]
_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reader)
    for pattern, reader in (
        (r"index(?:\.idx|\.ref|\.flex)?\.xml", read_harmony),
        (r"measurementdata\.mlf", read_mlf),
        (r"measurementdetail\.mrf", read_mrf),
        (r".+\.mes", read_mes),
        (r".+\.htd", read_htd),
        (r".+\.xdce", read_xdce),
        (r".+\.jdce", read_jdce),
        (r"image_metadata_[0-9]+\.csv", read_image_table),
        (r".+\.(?:companion\.ome|ome\.xml)", read_ome),
        (r"acquisition parameters\.json", read_squid),
        (r"(?:.+_)?metadata\.txt", read_micromanager),
    )
)


def is_metadata_name(name: str) -> bool:
    """Return whether a file of this name states something about a plate.

    Examples
    --------
    >>> is_metadata_name("Index.idx.xml"), is_metadata_name("notes.xml")
    (True, False)
    """
    return metadata_rank(name) is not None


def metadata_rank(name: str) -> int | None:
    """Return the place of a file in the order in which files are believed, `None` for any other file."""
    # A name that does not end like this is by far the most frequent: a plate has more images than anything
    # else.
    if name[-4:].lower() not in (
        ".xml",
        ".mlf",
        ".mrf",
        ".mes",
        ".htd",
        ".ome",
        "xdce",
        "jdce",
        ".csv",
        "json",
        ".txt",
    ) or name.startswith("."):
        return None
    return next((rank for rank, (pattern, _) in enumerate(_READERS) if pattern.fullmatch(name)), None)


def is_telling(name: str) -> bool:
    """Return whether a file of this name lies beside the images of plates alone.

    Examples
    --------
    >>> is_telling("MeasurementData.mlf"), is_telling("metadata.txt")
    (True, False)
    """
    rank = metadata_rank(name)
    return rank is not None and _READERS[rank][1] is not read_micromanager


def is_alternative(rank: int) -> bool:
    """Return whether files of this place in the order, in one folder, all state the same."""
    return _READERS[rank][1] is read_harmony


def read_metadata(name: str, data: bytes) -> PlateMetadata:
    """Return what a file beside the images states about its plate.

    Parameters
    ----------
    name
        The file's own name: Harmony's ``Index.idx.xml``, ``Index.ref.xml`` or ``Index.xml``; CellVoyager's
        ``MeasurementData.mlf``, ``MeasurementDetail.mrf`` or ``*.mes``; MetaXpress' ``*.HTD``; IN Cell's
        ``*.xdce``; ``*.jdce`` and ``image_metadata_1.csv`` of HCS.ai; OME's ``*.companion.ome`` or
        ``*.ome.xml``; Squid's ``acquisition parameters.json``; Micro-Manager's ``metadata.txt``.
    data
        The file's content.

    Raises
    ------
    MetadataError
        The name is another one, or the content is damaged.
    """
    rank = metadata_rank(name)
    if rank is None:
        raise MetadataError(f"{name!r} is not the name of a file that describes a plate")
    try:
        return _READERS[rank][1](decode(data))
    except RecursionError as error:
        raise MetadataError("it is damaged: its groups of values are nested too deeply") from error
