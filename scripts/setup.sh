#!/usr/bin/env bash
# Makes a checkout ready: system libraries, a virtual environment in .venv, Python packages.
#
# Needs a Python >= 3.11 and nothing else. PYTHON=/path/to/python chooses another one than `python3`.
# As root, missing Debian or Ubuntu packages are installed; anybody else is told the command and nothing is changed.
# Running it again is harmless: what is there already is left alone. Written for bash 3.2, the one macOS has.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '    %s\n' "$@" >&2
    exit 1
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Sets `python`: the interpreter that the virtual environment is made with.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if recent "$candidate"; then
            python=$candidate
            return
        fi
    done
    fail "no Python >= 3.11 found (tried: ${PYTHON:-python3 python3.13 python3.12 python3.11})" \
        "install one, or name it: make PYTHON=/path/to/python3.11 ..."
}

# Prints one line for each thing that is missing: the Debian package, a space, and what was looked for.
# Libraries are looked for by loading them, not by package name: names differ between releases (libglib2.0-0 is
# libglib2.0-0t64 since 2024), and what counts is what this interpreter can load.
missing_system_parts() {
    "$python" - <<'PYTHON'
import ctypes, importlib.util, os, shutil, sys

libraries = {
    "libgl1": "libGL.so.1",
    "libegl1": "libEGL.so.1",
    "libdbus-1-3": "libdbus-1.so.3",
    "libfontconfig1": "libfontconfig.so.1",
    "libglib2.0-0": "libglib-2.0.so.0",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-shape0": "libxcb-shape.so.0",
}
if sys.platform == "linux":
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        for package, program in (("xvfb", "Xvfb"), ("xvfb", "xvfb-run"), ("xauth", "xauth")):
            if shutil.which(program) is None:
                print(package, program)
    for package, library in libraries.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            print(package, library)
if importlib.util.find_spec("ensurepip") is None and os.path.realpath(sys.executable).startswith("/usr/bin/"):
    print(f"python3.{sys.version_info.minor}-venv", "the Python module ensurepip")
PYTHON
}

install_system_packages() {
    local missing packages
    missing=$(missing_system_parts)
    [ -n "$missing" ] || return 0
    packages=$(cut -d' ' -f1 <<<"$missing" | sort -u | tr '\n' ' ')
    packages=${packages% }

    say "missing on this machine: $(cut -d' ' -f2- <<<"$missing" | paste -sd, - | sed 's/,/, /g')"
    command -v apt-get >/dev/null || fail \
        "this is not Debian or Ubuntu; install what is missing with your package manager, then run make again" \
        "(Debian calls the packages: $packages)"
    [ "$(id -u)" -eq 0 ] || fail "install it, then run make again:" \
        "sudo apt-get update && sudo apt-get install --no-install-recommends $packages"

    say "installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    # A broken source that has nothing to do with us must not end it here; the check below decides.
    apt-get -qq update || say "apt-get update reported a problem, going on"
    # shellcheck disable=SC2086 # one word a package
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages >/dev/null ||
        fail "apt-get install failed (see above)"
    missing=$(missing_system_parts)
    [ -z "$missing" ] || fail "still missing after the installation: $(cut -d' ' -f2- <<<"$missing" | paste -sd, -)"
}

make_environment() {
    if recent .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    say "making the virtual environment .venv with $("$python" -c 'import sys; print(sys.executable, sys.version.split()[0])')"
    "$python" -m venv --clear .venv || fail "$python could not make a virtual environment" \
        "it lacks the module venv or ensurepip; name another one: make PYTHON=/path/to/python3.11 ..."
}

install_python_packages() {
    say "installing Python packages (about 1 GB on disk; the first time this takes some minutes)"
    # --group needs pip 25.1; Debian 12 brings 23.0.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
}

find_python
install_system_packages
make_environment
install_python_packages
say "ready"
