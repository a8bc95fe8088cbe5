"""Follows a folder while images are being written into it."""
