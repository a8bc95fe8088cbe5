"""The backend that writes OME-Zarr plates."""
