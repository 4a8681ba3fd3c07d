"""Slices of pixels that are finer than the detector's: their size, and their line integrals."""

import numpy as np
from scipy import sparse

from tomodenoise.common.arrays import FloatArray, IntArray


def padded(fine: FloatArray, columns: int) -> FloatArray:
    """Pad square slices (..., y, x) with zeros until columns of the detector span a whole number of their pixels."""
    missing = -fine.shape[-1] % columns
    sides = (missing // 2, missing - missing // 2)
    return np.pad(fine, ((0, 0),) * (fine.ndim - 2) + (sides, sides))


def binned(fine: FloatArray, columns: int) -> FloatArray:
    """Average square slices (..., y, x) over the fine pixels of each column, to (..., columns, columns)."""
    size = fine.shape[-1] // columns
    return np.asarray(fine.reshape(*fine.shape[:-2], columns, size, columns, size).mean(axis=(-3, -1)))


def rays(places: IntArray, angle: float, fineness: int, columns: int, center: float | None = None) -> sparse.csr_array:
    """Return the matrix (column, place) of ray lengths in each fine pixel, in pixels of the detector.

    A point falls on the column center + x cos(angle) + y sin(angle); center is (columns - 1) / 2 by default. A fine
    pixel is approximated by a square that faces the beam, shared by at most two columns.
    """
    middle = (fineness * columns - 1) / 2
    x, y = (places[:, 1] - middle) / fineness, (middle - places[:, 0]) / fineness
    axis = (columns - 1) / 2 if center is None else center
    left = axis + x * np.cos(angle) + y * np.sin(angle) + 0.5 - 0.5 / fineness
    first = np.floor(left).astype(int)
    beyond = np.clip((left - first) * fineness - (fineness - 1), 0, 1)
    column = np.concatenate([first, first + 1])
    number = np.tile(np.arange(len(places)), 2)
    length = np.concatenate([1 - beyond, beyond]) / fineness**2
    seen = (column >= 0) & (column < columns)
    return sparse.csr_array((length[seen], (column[seen], number[seen])), shape=(columns, len(places)))
