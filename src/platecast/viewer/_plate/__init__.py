"""What of a plate has come, well by well. No widgets, no napari."""
