"""A viewer without a window as a process of its own: ``python tests/viewer_process.py PORT``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.receiving import viewer_on

    with viewer_on(int(sys.argv[1]), keep=False):
        sys.stdin.read()
