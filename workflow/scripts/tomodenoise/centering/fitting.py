"""Robust fits, and standard errors of estimates from parts of the data."""

import numpy as np
from scipy import stats

from tomodenoise.common.arrays import FloatArray

REFERENCE = 8  # parts


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
    return error * float(stats.t.ppf(0.975, count - 1) / stats.t.ppf(0.975, REFERENCE - 1))
