"""Which Python packages are there, and whether their versions are those asked for. Imports none of them."""

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires, version

from platecast.manager._doctor._finding import Finding, error, ok, warning

_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[^]]*])?(?P<bounds>[^;]*)(?:;.*extra == ['\"](?P<extra>\w+)['\"])?"
)
_BOUND = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9][0-9.]*)")
_NUMBER = re.compile(r"[0-9]+")
_EXTRAS = {
    "viewer": "no window can be opened on this machine",
    "io": "TIFF files cannot be read or written",
    "zarr": "OME-Zarr plates cannot be read or written",
}


def look_at_packages() -> Iterator[Finding]:
    """Look at Python, at what platecast needs, and at its extras."""
    yield ok("platecast", f"{version('platecast')}, Python {platform.python_version()}")
    wanted: dict[str, list[tuple[str, str]]] = {}
    for text in requires("platecast") or ():
        match = _REQUIREMENT.match(text)
        if match is not None:
            wanted.setdefault(match["extra"] or "", []).append((match["name"], match["bounds"]))
    for name, bounds in wanted.get("", ()):
        yield from _look_at(name, bounds, "", "platecast cannot work")
    for extra, consequence in _EXTRAS.items():
        yield from _look_at_extra(extra, wanted.get(extra, []), consequence)


def _look_at_extra(extra: str, wanted: list[tuple[str, str]], consequence: str) -> Iterator[Finding]:
    wrong = [found for name, bounds in wanted for found in _look_at(name, bounds, extra, consequence)]
    if wrong:
        yield from wrong
    else:
        yield ok(extra, ", ".join(f"{name} {version(name)}" for name, _ in wanted))


def _look_at(name: str, bounds: str, extra: str, consequence: str) -> Iterator[Finding]:
    """Say what is wrong with one package, if anything."""
    install = f"pip install 'platecast[{extra}]'" if extra else f"pip install '{name}{bounds.strip()}'"
    try:
        found = distribution(name).version
    except PackageNotFoundError:
        what = f"{name} is not installed: {consequence}"
        yield warning(name, what, install) if extra else error(name, what, install)
        return
    if not fits(found, bounds):
        yield error(name, f"version {found} does not fit {bounds.strip()}: {consequence}", install)


def fits(version: str, bounds: str) -> bool:
    """Say whether a version lies within bounds such as ``<0.10,>=0.9``; numbers alone are compared."""
    have = _numbers(version)
    for sign, text in _BOUND.findall(bounds):
        limit = _numbers(text)
        length = max(len(have), len(limit))
        left, right = (numbers + (0,) * (length - len(numbers)) for numbers in (have, limit))
        holds = {
            ">=": left >= right,
            "<=": left <= right,
            "==": left == right,
            "!=": left != right,
            "<": left < right,
            ">": left > right,
        }
        if not holds[sign]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        match = _NUMBER.match(part)
        if match is None:
            break
        numbers.append(int(match[0]))
    return tuple(numbers)
