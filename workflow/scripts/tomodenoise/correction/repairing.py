"""Replacement of pixels that are not finite by their neighbours in the same frame."""

import numpy as np

from tomodenoise.common.arrays import FloatArray


def repair(projections: FloatArray, empty_value: float = 0.0) -> tuple[int, int]:
    """Interpolate pixels that are not finite along their row, in place; repeat the nearest finite pixel at the ends.

    Parameters
    ----------
    projections : (..., rows, columns) float32.
    empty_value : value for rows without any finite pixel.

    Returns
    -------
    Number of interpolated pixels, and number of rows without any finite pixel.
    """
    if all_finite(projections):
        return 0, 0
    good = np.isfinite(projections)
    columns = np.arange(projections.shape[-1])
    repaired = empty = 0
    for place in np.argwhere(~good.all(axis=-1)):
        row = projections[tuple(place)]
        valid = good[tuple(place)]
        if valid.any():
            row[~valid] = np.interp(columns[~valid], columns[valid], row[valid])
            repaired += int((~valid).sum())
        else:
            row[:] = empty_value
            empty += 1
    return repaired, empty


def all_finite(values: FloatArray) -> bool:
    """Return whether all values are finite, judged by their sum: fast, and an overflow only costs the slow path."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))
