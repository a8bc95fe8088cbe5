"""A viewer without a window as a process of its own: ``python tests/viewer_process.py PORT [LISTEN]``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.receiving import viewer_on

    listen = sys.argv[2] if len(sys.argv) > 2 else ""
    with viewer_on(int(sys.argv[1]), keep=False, listen=listen):
        sys.stdin.read()
