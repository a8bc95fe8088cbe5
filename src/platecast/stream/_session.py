"""What a sender knows of one life of a viewer."""

import time
from dataclasses import dataclass, field

from platecast.stream._flow import Flow
from platecast.wire import SenderSockets, Welcome


@dataclass(slots=True)
class Session:
    """What is known of one life of the viewer."""

    sockets: SenderSockets
    instance: str
    welcome: Welcome | None = None
    inline: bool = False
    attach_deadline: float = 0.0
    next_hello: float = 0.0
    next_beat: float = 0.0
    received: int = 0
    received_at: float = field(default_factory=time.monotonic)
    acked_at: float = 0.0
    heard_at: float = field(default_factory=time.monotonic)
    layouts_sent: int = 0
    pause_until: float = 0.0
    is_calm: bool = False
    """Whether so few planes come that the thread may rest in a pause."""
    full: bool = False
    retry_s: float = 0.005
    """When to look again, where it is full."""
    unanswered_s: float = 0.01
    """How long to wait with the next greeting, where not even a connection is there; longer each time."""
    flow: Flow | None = None
    """What the link carries, where the viewer is on another machine."""
    hello_at: float | None = None
    """When the first greeting left."""

    @property
    def ready(self) -> bool:
        """Whether the viewer takes planes."""
        return self.welcome is not None and self.sockets.subscribed and (self.inline or self.sockets.attached)
