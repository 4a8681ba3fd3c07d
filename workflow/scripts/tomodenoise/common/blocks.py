"""Means over blocks of pixels, and the square of an image with the largest sum."""

import numpy as np

from tomodenoise.common.arrays import FloatArray


def block_mean(image: FloatArray, factor: int) -> FloatArray:
    """Average blocks of ``factor`` pixels along every axis; blocks at the far border may be smaller."""
    mean = image
    for axis, size in enumerate(image.shape):
        starts = np.arange(0, size, factor)
        counts = np.diff(starts, append=size).reshape([-1 if i == axis else 1 for i in range(image.ndim)])
        mean = np.add.reduceat(mean, starts, axis) / counts.astype(image.dtype)
    return mean


def busiest_square(strength: FloatArray, side: int) -> tuple[slice, slice]:
    """Find the square of ``side`` pixels, all of it in the image, with the largest sum.

    Parameters
    ----------
    strength : (rows, columns), as of edges or of change.

    Returns
    -------
    Its rows and columns.
    """
    from scipy.ndimage import uniform_filter  # noqa: PLC0415 - not installed where only the workflow is planned

    total = uniform_filter(strength, side, mode="constant")
    inside = tuple(slice(side // 2, length - (side - 1) // 2) for length in strength.shape)
    row, column = np.unravel_index(np.argmax(total[inside]), total[inside].shape)
    return slice(int(row), int(row) + side), slice(int(column), int(column) + side)
