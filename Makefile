# `make` lists the targets. Every target sets up what it needs by itself.

# A screen that only tests see, where Linux has none. macOS and Windows always have one.
HEADLESS := $(if $(filter Linux,$(shell uname -s)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),,yes))
SCREEN := $(if $(HEADLESS),xvfb-run -a -s "-screen 0 1600x1000x24")

# Marks a finished setup. Without a screen more is needed (Xvfb), hence two marks.
READY := .venv/.ready$(if $(HEADLESS),-headless)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test torture check check-lint check-format check-types check-rooms clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## system packages, virtual environment, Python packages (once)

$(READY): pyproject.toml scripts/setup.sh
	scripts/setup.sh
	@touch $@

demo: $(READY)  ## stream a synthetic plate into a napari window; options in ARGS="..."
	$(BIN)/platecast demo $(ARGS)

test: $(READY)  ## run the tests; options for pytest in ARGS="..."
	$(SCREEN) $(BIN)/python -m pytest $(ARGS)

torture: $(READY)  ## random kills and malformed messages, long; options in ARGS="..."
	$(BIN)/python tests/torture/torture.py $(ARGS)
	$(BIN)/python tests/torture/malformed.py
	$(BIN)/python tests/torture/starters.py

check: check-lint check-format check-types check-rooms  ## lint, format, types, order of the rooms
check-lint: $(READY)
	$(BIN)/ruff check
check-format: $(READY)
	$(BIN)/ruff format --check
check-types: $(READY)
	$(BIN)/mypy
check-rooms: $(READY)
	$(BIN)/lint-imports

clean:  ## remove .venv, caches and build outputs
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
