"""What the window's loop does: files what arrives, answers commands, exports. No widgets, no napari."""
