"""Centers over the height of the detector: a tilted axis, or one that drifts from row to row."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.centering.fitting import fit
from tomodenoise.common.arrays import FloatArray

LEAST = 5  # groups of rows that a line is fitted to
CLEAR = 4.0  # standard errors


@dataclass(frozen=True)
class Line:
    """Centers over the height."""

    center: float  # pixels, in the middle row
    center_error: float  # its standard error
    tilt: float  # columns per row
    tilt_error: float  # its standard error
    clear: bool  # a tilt that is there: beyond `CLEAR` standard errors, and half a pixel over the height


def line(rows: FloatArray, centers: FloatArray, row: float, height: float) -> Line | None:
    """Fit a straight line to the centers of groups of rows; outliers weigh less.

    Parameters
    ----------
    rows, centers : (group,) mean row and center of each group, pixels.
    row : the middle row.
    height : rows between the first and the last.

    Returns
    -------
    The line, its errors from all residuals so that outliers widen them; None for under five groups.
    """
    if len(centers) < LEAST or np.ptp(rows) == 0:
        return None
    model = np.stack([np.ones(len(rows)), rows - row], axis=1)
    found, _ = fit(model, centers)
    left = np.sqrt(np.sum((centers - model @ found) ** 2) / (len(rows) - 2))
    errors = left * np.sqrt(np.diag(np.linalg.inv(model.T @ model)))
    (center, tilt), (center_error, tilt_error) = (tuple(map(float, pair)) for pair in (found, errors))
    return Line(center, center_error, tilt, tilt_error, differ(tilt, tilt_error, height))


def differ(tilt: float, error: float, height: float) -> bool:
    """Whether a tilt, or a difference of two, counts: beyond four errors, and half a pixel over the height."""
    return bool(abs(tilt) > CLEAR * error and abs(tilt) * height > 0.5)
