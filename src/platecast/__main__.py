"""Run the command line: ``python -m platecast``."""

from platecast.cli import main

if __name__ == "__main__":
    main()
