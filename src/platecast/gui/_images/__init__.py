"""Tab *Images*: a plate, a part of it, thumbnails, and the way into viewers."""
