"""Where planes are streamed to, and what happens when a viewer does not keep up."""

import enum

from pydantic import Field, field_validator

from platecast.config._base import Config
from platecast.config._display import Display, NapariDisplayConfig

DEFAULT_PORT = 5555
CONTROL_PORT_OFFSET = 1000
"""A viewer's control port is its data port plus this."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_PORT = 65535 - CONTROL_PORT_OFFSET


class WhenFull(enum.StrEnum):
    """Which plane gives way when the sender's budget is full."""

    DROP_OLDEST = "drop_oldest"
    """The plane that has waited longest is dropped."""
    DROP_NEWEST = "drop_newest"
    """The plane that was just offered is dropped."""
    LATEST = "latest"
    """A plane that is sent again replaces the one that waits; otherwise as `DROP_OLDEST`."""
    BLOCK = "block"
    """The caller waits, at most `block_timeout_s`; then the plane is dropped."""
    SPILL = "spill"
    """Planes wait on disk, at most `spill_mb`; then the plane that was just offered is dropped."""


class StreamingConfig(Config):
    """How planes leave a worker, whatever shows them."""

    enabled: bool = True
    """Whether anything is streamed at all."""
    persistent: bool = True
    """Whether the viewer outlives the process that started it."""
    when_full: WhenFull = WhenFull.DROP_OLDEST
    """Which plane gives way when the budget is full."""
    block_timeout_s: float = Field(default=10.0, ge=0)
    """Longest wait of the caller with `WhenFull.BLOCK`."""
    budget_mb: float | None = Field(default=None, gt=0)
    """Memory for planes that wait for the viewer; `None`: a share of the machine's memory."""
    spill_mb: float | None = Field(default=None, gt=0)
    """Disk space for planes that wait; `None`: a share of what is free."""


class NapariStreamingConfig(StreamingConfig, NapariDisplayConfig):
    """How planes are streamed to a napari viewer and shown there."""

    napari_host: str = "localhost"
    """Machine of the viewer; one that is not this machine needs a pairing, see `platecast pair`."""
    napari_pairing_file: str | None = None
    """A file of mode 0600 with the pairing string; default: what `platecast pair` stored."""
    napari_port: int = Field(default=DEFAULT_PORT, ge=1, le=MAX_PORT)
    """The viewer's data port; its control port is 1000 above."""
    replace_layers: bool = False
    """Whether a plane sent again replaces the old one in place; otherwise each run has layers of its own."""

    @field_validator("napari_host")
    @classmethod
    def _one_machine(cls, value: str) -> str:
        if value in {"", "*", "0.0.0.0", "::"}:  # noqa: S104 -- refused
            raise ValueError(f"napari_host={value!r} is no machine: name the viewer's, or use 'localhost'")
        # As an address stands in an URL.
        return value[1:-1] if value.startswith("[") and value.endswith("]") else value

    @property
    def is_local(self) -> bool:
        """Whether the viewer is on this machine, so that it may be found or started."""
        return self.napari_host in LOOPBACK_NAMES

    def display(self) -> Display:
        """Return the choice of display as it travels with the planes."""
        return self.resolve(replace_layers=self.replace_layers)
