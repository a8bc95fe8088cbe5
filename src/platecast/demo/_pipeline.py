"""The demonstration's pipeline."""

from platecast.components import Kind
from platecast.config import PipelineConfig
from platecast.demo._steps import gaussian_blur, segment_nuclei, subtract_background
from platecast.pipeline import Pipeline, Step


def demo_pipeline(nuclei_channel: int | str, config: PipelineConfig | None = None) -> Pipeline:
    """Return background subtraction and blur of all images, then nuclei labelled in one channel.

    Parameters
    ----------
    nuclei_channel
        The channel of the nuclear stain, as the images' names state it; see `guess_nuclei_channel`.
    config
        What the steps share.
    """
    return Pipeline(
        [
            Step(subtract_background),
            Step(gaussian_blur, sigma=2.0),
            Step(segment_nuclei, kind=Kind.LABELS, only={"channel": nuclei_channel}),
        ],
        config,
    )
