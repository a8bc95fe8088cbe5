"""Layers, sliders and canvas of napari.

Its private names are used in `_private`, `_planes`, `_records` and `_visuals` alone.
"""
