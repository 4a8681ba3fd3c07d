"""Replace what is no number by its neighbours in the same frame."""

import numpy as np

from tomodenoise.common.arrays import FloatArray


def repair(projections: FloatArray, empty_value: float = 0.0) -> tuple[int, int]:
    """Interpolate what is not finite along its row, in place; repeat the next finite pixel at the ends.

    Parameters
    ----------
    projections : (..., rows, columns) float32.
    empty_value : what rows without any finite pixel become.

    Returns
    -------
    Number of pixels that were interpolated, and of rows without any finite pixel.
    """
    if all_finite(projections):
        return 0, 0
    good = np.isfinite(projections)
    columns = np.arange(projections.shape[-1])
    repaired = empty = 0
    for place in np.argwhere(~good.all(axis=-1)):
        row, valid = projections[tuple(place)], good[tuple(place)]
        if valid.any():
            row[~valid] = np.interp(columns[~valid], columns[valid], row[valid])
            repaired += int((~valid).sum())
        else:
            row[:] = empty_value
            empty += 1
    return repaired, empty


def all_finite(values: FloatArray) -> bool:
    """Tell it from the sum, which costs less than to look at each; a sum that overflows only costs the look."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))
