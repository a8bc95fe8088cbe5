"""Opens Qt and OpenGL as a window does, says in one line of JSON what they are, and ends.

A process of its own (``python -m platecast.viewer._screen_check``): where a library is missing, Qt aborts.
napari is not imported.
"""

import argparse
import contextlib
import json
import sys

from platecast.errors import ViewerStartError
from platecast.viewer._screen import VirtualScreen


def main() -> int:
    """Run the check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--virtual-screen", action="store_true", help="on an Xvfb of its own")
    options = parser.parse_args()
    try:
        with contextlib.ExitStack() as stack:
            if options.virtual_screen:
                stack.enter_context(VirtualScreen())
            print(json.dumps(_look()))
    except ViewerStartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _look() -> dict[str, str]:
    from qtpy.QtCore import qVersion
    from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

    application = QGuiApplication(sys.argv[:1])
    found = {
        "qt": str(qVersion()),
        "platform": str(application.platformName()),
        "opengl": "",
        "renderer": "",
        "problem": "",
    }
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not context.create() or not context.makeCurrent(surface):
        found["problem"] = "no OpenGL context could be made"
        return found
    from OpenGL import GL

    found["opengl"], found["renderer"] = (
        (GL.glGetString(name) or b"").decode(errors="replace") for name in (GL.GL_VERSION, GL.GL_RENDERER)
    )
    context.doneCurrent()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
