"""Volumes in the formats of other programs: a stack of TIFF files, an HDF5 file, a zipped image."""
