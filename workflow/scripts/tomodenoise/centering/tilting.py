"""Centers over the height of the detector: a tilted axis, or one that drifts from row to row."""

import numpy as np

from tomodenoise.arrays import FloatArray
from tomodenoise.centering.fitting import fit

LEAST = 5  # groups of rows that a line is fitted to
BLOCK = 8  # rows that share one center


def slope(rows: FloatArray, centers: FloatArray) -> tuple[float, float] | None:
    """Fit a straight line to the centers of groups of rows; outliers weigh less.

    Parameters
    ----------
    rows, centers : (group,) mean row and center of each group, pixels.

    Returns
    -------
    Columns per row and its standard error, from all residuals so that outliers widen it; None for under five groups.
    """
    if len(centers) < LEAST or np.ptp(rows) == 0:
        return None
    model = np.stack([np.ones(len(rows)), rows - rows.mean()], axis=1)
    line, _ = fit(model, centers)
    left = centers - model @ line
    return float(line[1]), float(np.sqrt(np.sum(left**2) / (len(rows) - 2) / np.sum(model[:, 1] ** 2)))


def middle_of_block(row: int) -> float:
    """Row that stands for the 8 rows around `row`, counted from row 0 of the volume, so that slabs do not matter."""
    return row // BLOCK * BLOCK + (BLOCK - 1) / 2
