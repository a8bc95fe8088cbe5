"""What is wrong with this machine, user and installation, as far as viewers are concerned, and what to do."""

from collections.abc import Iterator

from platecast.config import DEFAULT_PORT
from platecast.manager._doctor._finding import Finding, Level
from platecast.manager._doctor._memory import look_at_memory
from platecast.manager._doctor._packages import look_at_packages
from platecast.manager._doctor._places import look_at_places
from platecast.manager._doctor._screen import look_at_screen

__all__ = ["Finding", "Level", "diagnose"]


def diagnose(port: int | None = None) -> Iterator[Finding]:
    """Look at everything that a viewer needs; yield one thing after the other, within some seconds.

    Stale connection files are removed on the way, as by everybody who finds them. Nothing else is changed.

    Parameters
    ----------
    port
        Data port of the pair that is wanted; default: the usual one, which may be taken.
    """
    yield from look_at_packages()
    yield from look_at_memory()
    yield from look_at_places(DEFAULT_PORT if port is None else port, port is not None)
    yield from look_at_screen()
