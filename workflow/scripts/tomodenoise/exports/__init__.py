"""Volumes in the formats of other programs: a stack of TIFF files, an HDF5 file, a zipped image."""

from tomodenoise.exports.hdf5 import write as write_hdf5
from tomodenoise.exports.ozx import write as write_ozx
from tomodenoise.exports.tiff import describe as describe_tiff
from tomodenoise.exports.tiff import flaws as tiff_flaws
from tomodenoise.exports.tiff import write_slices

__all__ = ["describe_tiff", "tiff_flaws", "write_hdf5", "write_ozx", "write_slices"]
