"""What a whole pipeline shares."""

from pydantic import Field

from platecast.config._base import Config
from platecast.config._streaming import NapariStreamingConfig


class PipelineConfig(Config):
    """Choices for a whole pipeline."""

    napari_streaming: NapariStreamingConfig = Field(
        default_factory=lambda: NapariStreamingConfig(enabled=False)
    )
    """Whether and how the images of every step are shown."""
    stream_input: bool = True
    """Whether the raw images are shown too, as step 0."""
