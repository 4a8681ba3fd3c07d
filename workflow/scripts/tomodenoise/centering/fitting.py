"""Robust fits, among them of a tilted axis, and standard errors of estimates from parts of the data."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from tomodenoise.common.arrays import FloatArray

REFERENCE = 8  # parts
LEAST = 5  # groups of rows needed to fit a line
CLEAR = 4.0  # standard errors


def fit(model: FloatArray, values: FloatArray) -> FloatArray:
    """Fit a linear model (value, parameter) to finite values; outliers weigh less [Huber 1964].

    Returns
    -------
    (parameter,) float64.
    """
    weight: FloatArray = np.ones(len(values))
    for _ in range(10):
        solution = np.linalg.lstsq(model * weight[:, None], values * weight)[0]
        residual = np.abs(values - model @ solution)
        scale = 1.4826 * float(np.median(residual))
        weight = np.asarray(np.sqrt(np.minimum(1, 1.5 * scale / np.maximum(residual, 1e-12))))
    return np.asarray(solution)


def scatter(values: FloatArray) -> float:
    """Return the standard deviation, estimated from the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def jackknife(without: FloatArray) -> float:
    """Return the standard error of an estimate from those that leave out one part of the data each, (part,).

    Notes
    -----
    Few parts may agree by chance, so the error is scaled by the ratio of Student's t to that of eight parts.
    """
    count = len(without)
    if count < 2:
        return float("nan")
    error = float(np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2)))
    return error * float(stdtrit(count - 1, 0.975) / stdtrit(REFERENCE - 1, 0.975))


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
