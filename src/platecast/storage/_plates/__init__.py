"""Plates of any instrument and format, opened for reading."""
