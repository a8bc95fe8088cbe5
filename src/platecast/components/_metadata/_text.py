"""Instruments' texts: their encodings, and their XML without its dangers."""

import codecs
import functools
import math
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NoReturn
from xml.parsers import expat

import msgspec

from platecast.errors import MetadataError

_CHUNK = 1 << 16
_CHILD = re.compile(r"<([^\s<>/]+)[^<>]*>([^<]*)</\1>")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(data: bytes, *, fallback: str = "latin-1") -> str:
    """Return a file's text: by its byte-order mark, else as UTF-8, else in `fallback`."""
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(fallback, errors="replace")


class XmlElement(msgspec.Struct, gc=False):
    """An element, its name and those of its attributes without namespaces.

    Not one of ElementTree's: a plate's index has a million, and the garbage collector, which would look at
    each of those again and again, took longer than the parser.
    """

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: "tuple[XmlElement, ...] | list[XmlElement]" = ()

    def texts(self) -> dict[str, str]:
        """Return the texts of the children by their names."""
        return {child.name: child.text.strip() for child in self.children}

    def find(self, name: str) -> "XmlElement | None":
        """Return the first child of this name."""
        return next((child for child in self.children if child.name == name), None)

    def find_all(self, name: str) -> Iterator["XmlElement"]:
        """Yield the children of this name."""
        return (child for child in self.children if child.name == name)

    def walk(self, name: str) -> Iterator["XmlElement"]:
        """Yield the elements of this name below, however deep."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.walk(name)


def elements(text: str, *names: str) -> Iterator[XmlElement]:
    """Yield the elements of these names, whatever their namespace, each as soon as it is complete.

    One inside another one of these names comes as its child alone.

    Raises
    ------
    MetadataError
        The text is no XML, or has a document type.
    """
    parser = _Parser(frozenset(names))
    for start in range(0, max(1, len(text)), _CHUNK):
        yield from parser.feed(text[start : start + _CHUNK], start + _CHUNK >= len(text))


def cut_out(text: str, name: str) -> tuple[list[tuple[dict[str, str], str]], str]:
    """Cut the elements of a name out of a document, and read their children where those are text alone.

    Of a document with a million elements nearly all lie in such ones, and they are read in a quarter of the
    parser's time. What is not as simple is left in the document.

    Returns
    -------
    cut, rest
        The texts of each element's children by their names, and all between its tags; and the document
        without them.
    """
    # Comments and the like could hold what looks like an element.
    if "<!" in text:
        return [], text
    end = f"</{name}>"
    cut: list[tuple[dict[str, str], str]] = []
    rest: list[str] = []
    *parts, tail = text.split(end)
    for part in parts:
        start = max(part.rfind(f"<{name} "), part.rfind(f"<{name}>"))
        inside = part[part.find(">", start) + 1 :]
        children = _CHILD.findall(inside)
        if start < 0 or inside.count("<") != 2 * len(children) or "&" in inside:
            rest.append(part + end)
            continue
        rest.append(part[:start])
        cut.append(({child: content.strip() for child, content in children}, inside))
    return cut, "".join(rest) + tail


def root_element(text: str, name: str) -> XmlElement:
    """Return the element of this name, which is the document's own.

    Raises
    ------
    MetadataError
        There is none, the text is no XML, or it has a document type.
    """
    found = next(elements(text, name), None)
    if found is None:
        raise MetadataError(f"it has no {name}")
    return found


class _Parser:
    """Builds the wanted elements out of what expat reports.

    Entities can be declared in a document type alone, and no instrument writes one: refusing it is all the
    defence that is needed against those that grow without end or read other files.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._open: list[XmlElement] = []
        self._complete: list[XmlElement] = []
        # Text has no encoding any more, whatever its declaration says.
        self._expat = expat.ParserCreate(encoding="utf-8", namespace_separator="}")
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = self._refuse
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._add_text

    def feed(self, text: str, is_last: bool) -> list[XmlElement]:
        """Parse a part of the document; return the elements that it completes."""
        try:
            self._expat.Parse(text.encode("utf-8", errors="replace"), is_last)
        except expat.ExpatError as error:
            raise MetadataError(f"damaged XML: {error}") from error
        complete, self._complete = self._complete, []
        return complete

    def _refuse(self, *_: object) -> NoReturn:
        raise MetadataError("XML with a document type, which no instrument writes")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if not self._open and name not in self._wanted:
            return
        if attributes:  # most elements have none
            attributes = {_local(key): value for key, value in attributes.items()}
        element = XmlElement(name, attributes)
        if self._open:
            parent = self._open[-1]
            if isinstance(parent.children, list):
                parent.children.append(element)
            else:  # made for those that have children, few of all
                parent.children = [element]
        self._open.append(element)

    def _add_text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _end(self, _name: str) -> None:
        if self._open:
            element = self._open.pop()
            if not self._open:
                self._complete.append(element)


# A document has few names and uses them a million times.
@functools.lru_cache(maxsize=1024)
def _local(name: str) -> str:
    return name.rpartition("}")[2]


def to_float(text: str | None) -> float | None:
    """Return a number, `None` for anything else that may stand in its place."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def to_length(text: str | None) -> float | None:
    """Return a distance, which is positive, `None` for anything else."""
    value = to_float(text)
    return value if value is not None and 0 < value < math.inf else None


def to_int(text: str | None) -> int | None:
    """Return a whole number, `None` for anything else that may stand in its place."""
    try:
        return int(text) if text else None
    except ValueError:
        return None


def shifted(text: str | None, digits: int) -> float | None:
    """Return a number times a power of ten, exact to its last digit, for a unit that is another one."""
    try:
        return float(Decimal(text).scaleb(digits)) if text else None
    except ArithmeticError:
        return None


def to_time(text: str | None) -> datetime | None:
    """Return an ISO 8601 time, `None` where there is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
