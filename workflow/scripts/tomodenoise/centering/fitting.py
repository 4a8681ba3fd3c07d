"""Robust fits: of a sinusoid to centres of mass, of a line to centers over the height."""

import numpy as np

from tomodenoise.arrays import FloatArray


def fit(model: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least squares in which outliers weigh less [Huber 1964].

    Parameters
    ----------
    model : (value, parameter).
    values : (value,)

    Returns
    -------
    The parameters and their standard errors, (parameter,) both.
    """
    weight: FloatArray = np.ones(len(values))
    scale = 0.0
    solution: FloatArray = np.zeros(model.shape[1])
    for _ in range(10):
        solution = np.linalg.lstsq(model * weight[:, None], values * weight)[0]
        residual = np.abs(values - model @ solution)
        scale = 1.4826 * float(np.median(residual))
        weight = np.asarray(np.sqrt(np.minimum(1, 1.5 * scale / np.maximum(residual, 1e-12))))
    return solution, scale * np.sqrt(np.diag(np.linalg.pinv(model.T @ model)))


def scatter(values: FloatArray) -> float:
    """Give the standard deviation, from the median deviation from the median."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
