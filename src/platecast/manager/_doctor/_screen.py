"""Whether a window could be opened: the system's libraries, the screen, Qt and OpenGL."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import msgspec

from platecast.manager._doctor._finding import Finding, error, ok, warning
from platecast.manager._start import has_screen

LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
"""What Qt and its plugin for X11 load on Linux, and the package of Debian and Ubuntu that has it."""

_PROBE_TIMEOUT_S = 60.0
_NO_PLUGIN = re.compile(
    r"[Nn]o Qt platform plugin could be initialized|Could not (?:find|load) the Qt platform plugin"
)
_NO_DISPLAY = re.compile(r"could not connect to display ?(\S*)")
_NO_LIBRARY = re.compile(r"(lib[\w+.-]+\.so[.\d]*): cannot open shared object file")
_OPENGL = re.compile(r"(\d+)\.(\d+)")
_LEAST_OPENGL = (2, 1)
_SOFTWARE = ("llvmpipe", "softpipe", "swrast")


def look_at_screen() -> Iterator[Finding]:
    """Look at the libraries and the screen, and then open Qt and OpenGL on it as a viewer does."""
    missing = [name for name in LIBRARIES if sys.platform == "linux" and not _loads(name)]
    if missing:
        packages = " ".join(LIBRARIES[name] for name in missing)
        what = f"missing: {', '.join(missing)}; windows cannot be opened on X11"
        yield error("libraries", what, f"apt-get install {packages}")
    elif sys.platform == "linux":
        yield ok("libraries", f"the {len(LIBRARIES)} that Qt needs are there")
    is_virtual = not has_screen()
    if is_virtual and shutil.which("Xvfb") is None:
        what = "neither DISPLAY nor WAYLAND_DISPLAY is set, and there is no Xvfb to make a screen of our own"
        yield error("screen", what, "apt-get install xvfb, or start platecast where there is a screen")
        return
    if is_virtual:
        yield ok("screen", "none: windows open on a virtual one (Xvfb) that nobody sees")
    else:
        names = [
            f"{name}={os.environ[name]}" for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name)
        ]
        yield ok("screen", ", ".join(names) or sys.platform)
    if find_spec("qtpy") is None or find_spec("PyQt6") is None:
        yield warning("Qt", "not installed: no window can be opened", "pip install 'platecast[viewer]'")
        return
    yield from _try(is_virtual)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _try(is_virtual: bool) -> Iterator[Finding]:
    """Open Qt and OpenGL in a process of their own: where something is missing, Qt aborts."""
    command = [sys.executable, "-P", "-m", "platecast.viewer._screen_check"]
    command += ["--virtual-screen"] if is_virtual else []
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_S,
            env={**os.environ, "QT_DEBUG_PLUGINS": "1"},
        )
    except subprocess.TimeoutExpired:
        what = f"nothing opened within {_PROBE_TIMEOUT_S:g} s"
        yield error("Qt", what, "is the screen's server reachable and awake?")
        return
    if done.returncode:
        yield explain(done.returncode, done.stderr)
        return
    yield from judge(msgspec.json.decode(done.stdout.splitlines()[-1], type=dict[str, str]))


def explain(status: int, words: str) -> Finding:
    """Return why Qt did not open, from its exit status and what it wrote."""
    display = _NO_DISPLAY.search(words)
    if display is not None:
        name = display[1] or os.environ.get("DISPLAY", "")
        what = f"the screen {name} cannot be reached"
        return error("Qt", what, "set DISPLAY to a screen of this session, or unset it to use a virtual one")
    libraries = sorted(set(_NO_LIBRARY.findall(words)))
    if libraries:
        packages = " ".join(LIBRARIES.get(name, f"(the package of {name})") for name in libraries)
        return error("Qt", f"libraries are missing: {', '.join(libraries)}", f"apt-get install {packages}")
    if _NO_PLUGIN.search(words):
        chosen = os.environ.get("QT_QPA_PLATFORM")
        if chosen:
            return error("Qt", f"there is no platform plugin {chosen!r}", "unset QT_QPA_PLATFORM")
        return error(
            "Qt",
            "no platform plugin could be loaded",
            "unset QT_PLUGIN_PATH and QT_QPA_PLATFORM_PLUGIN_PATH, or reinstall PyQt6 and PyQt6-Qt6",
        )
    last = next((line for line in reversed(words.splitlines()) if line.strip()), "it said nothing")
    return error("Qt", f"the trial ended with status {status}: {last}", "run platecast doctor --verbose")


def judge(found: Mapping[str, str]) -> Iterator[Finding]:
    """Return what is to be said of the Qt and OpenGL that were opened."""
    yield ok("Qt", f"{found['qt']} on {found['platform']}")
    version, renderer = found["opengl"], found["renderer"]
    match = _OPENGL.match(version)
    if match is None:
        advice = "apt-get install libgl1-mesa-dri, or the driver of the graphics card"
        yield error("OpenGL", found.get("problem") or "no context could be made", advice)
    elif (int(match[1]), int(match[2])) < _LEAST_OPENGL:
        least = ".".join(map(str, _LEAST_OPENGL))
        yield error("OpenGL", f"{version} ({renderer}) is older than {least}", "update the graphics driver")
    elif any(name in renderer.lower() for name in _SOFTWARE):
        yield ok("OpenGL", f"{version}, by software ({renderer}): painting costs processor time")
    else:
        yield ok("OpenGL", f"{version} ({renderer})")
