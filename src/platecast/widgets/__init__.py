"""Parts of windows that the viewer's and the manager's have in common."""

from platecast.widgets._well_squares import WellSquares, height_px, label_font

__all__ = ["WellSquares", "height_px", "label_font"]
