"""The window's process: receives planes, files them into layers, shows them.

The only room that imports napari. Nobody imports this room but its own process: a viewer is started by
command line, see `platecast.manager`.
"""

__all__: list[str] = []
