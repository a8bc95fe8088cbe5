"""A virtual screen for viewers on machines without one; it ends with the viewer, however that ends."""

import ctypes
import os
import shutil
import signal
import subprocess
from types import TracebackType
from typing import Self

from platecast.errors import ViewerStartError

_SCREEN = "1600x1000x24"
_PR_SET_PDEATHSIG = 1


class VirtualScreen:
    """An Xvfb of this process's own; a context manager that sets ``DISPLAY``.

    Must be entered from the main thread: the kernel ends Xvfb when the thread that started it ends.

    Raises
    ------
    ViewerStartError
        Xvfb is not installed or did not start.
    """

    def __enter__(self) -> Self:
        program = shutil.which("Xvfb")
        if program is None:
            raise ViewerStartError("there is no screen, and no Xvfb to make one: apt-get install xvfb")
        read_end, write_end = os.pipe()
        self._process = subprocess.Popen(
            [program, "-displayfd", str(write_end), "-screen", "0", _SCREEN, "-nolisten", "tcp", "-noreset"],
            pass_fds=[write_end],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise ViewerStartError(f"Xvfb ended with exit status {self._process.wait()}")
        os.environ["DISPLAY"] = f":{number}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
