"""Run a viewer: ``python -m platecast.viewer --port 5555``."""

from platecast.viewer._app import main

if __name__ == "__main__":
    raise SystemExit(main())
