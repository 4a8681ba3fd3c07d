"""Tilt of the axis, from the centers over the height of the detector."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.centering.fitting import fit
from tomodenoise.common.arrays import FloatArray

LEAST = 5  # groups of rows needed to fit a line
CLEAR = 4.0  # standard errors


@dataclass(frozen=True)
class Line:
    """Straight line through the centers over the height."""

    center: float  # pixels, in the middle row
    center_error: float  # its standard error
    tilt: float  # columns per row
    tilt_error: float  # its standard error
    clear: bool  # whether the tilt is significant, see `differ`


def line(rows: FloatArray, centers: FloatArray, row: float, height: float) -> Line | None:
    """Fit a straight line to the centers of groups of rows; outliers weigh less.

    Parameters
    ----------
    rows, centers : (group,) mean row and center of each group, pixels.
    row : the middle row.
    height : rows between the first and the last.

    Returns
    -------
    The line, with errors from all residuals so that outliers increase them; None for fewer than five groups.
    """
    if len(centers) < LEAST or np.ptp(rows) == 0:
        return None
    model = np.stack([np.ones(len(rows)), rows - row], axis=1)
    solution = fit(model, centers)
    residual = np.sqrt(np.sum((centers - model @ solution) ** 2) / (len(rows) - 2))
    errors = residual * np.sqrt(np.diag(np.linalg.inv(model.T @ model)))
    center, tilt = map(float, solution)
    center_error, tilt_error = map(float, errors)
    return Line(center, center_error, tilt, tilt_error, differ(tilt, tilt_error, height))


def differ(tilt: float, error: float, height: float) -> bool:
    """Return whether a tilt or a difference of tilts is significant: > 4 errors, and > half a pixel over the height."""
    return bool(abs(tilt) > CLEAR * error and abs(tilt) * height > 0.5)
