"""A synthetic plate, and the pipeline that ``platecast demo`` runs over it or over a real one.

Needs the extra ``demo`` (SciPy and scikit-image).
"""

from platecast.demo._nuclei import guess_nuclei_channel
from platecast.demo._pipeline import demo_pipeline
from platecast.demo._plate import make_plate
from platecast.demo._run import DemoReport, run_demo
from platecast.demo._steps import gaussian_blur, segment_nuclei, subtract_background

__all__ = [
    "DemoReport",
    "demo_pipeline",
    "gaussian_blur",
    "guess_nuclei_channel",
    "make_plate",
    "run_demo",
    "segment_nuclei",
    "subtract_background",
]
