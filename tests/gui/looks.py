"""What a widget looks like, for tests of light and dark."""

from qtpy.QtGui import QColor, QPalette

DARK = QPalette(QColor("#2b2d31"), QColor("#2b2d31"))
DARK.setColor(QPalette.ColorRole.Base, QColor("#1e1f22"))
DARK.setColor(QPalette.ColorRole.AlternateBase, QColor("#26282c"))


def shown_colors(widget):
    """Return the colours of a widget's pixels."""
    image = widget.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def contrast(widget):
    """Return the span of brightness in a widget, 0 to 255; words that cannot be read have none."""
    values = [QColor(name).lightness() for name in shown_colors(widget)]
    return max(values) - min(values)
