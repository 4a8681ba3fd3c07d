"""Calibration of the deviation between results to the error that independent data show."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.metrics import blocks
from tomodenoise.metrics.support import Unsupported

BINS = 10
FEWEST_PIXELS = 2000
"""In each half of the judged pixels."""


@dataclass(frozen=True)
class Bin:
    """Pixels of similar variance."""

    variance: float
    """Mean of the variance between results."""
    error: float
    """Mean squared error; an estimate, which may be negative."""
    error_error: float
    """Its standard error, see `blocks.jackknife`."""


@dataclass(frozen=True)
class Line:
    """Squared error = floor + slope x variance between results."""

    floor: float
    """What all results have in common, as far as independent data reveal it."""
    slope: float

    def apply(self, variance: FloatArray) -> FloatArray:
        """Return the expected squared error."""
        return np.asarray(self.floor + self.slope * variance)


def halves(mask: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Divide a mask (y, x) into two parts that alternate in blocks, as the squares of a chessboard."""
    y, x = np.indices(mask.shape) // blocks.EDGE
    even = (y + x) % 2 == 0
    return mask & even, mask & ~even


def bins(variance: FloatArray, error: FloatArray, mask: BoolArray) -> list[Bin]:
    """Average in bins of the variance with equal numbers of pixels.

    Parameters
    ----------
    variance : (z, y, x) between results.
    error : (z, y, x) (a - f)(b - f) for measurements a and b that are independent of each other and of f.
    mask : (y, x).

    Raises
    ------
    Unsupported
        If there are too few pixels or blocks of them.
    """
    values = variance[:, mask]
    if values.size < FEWEST_PIXELS:
        raise Unsupported(f"{values.size} pixels in half of the judged slices are too few to calibrate")
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1))
    places = np.clip(np.searchsorted(edges, variance, side="right") - 1, 0, BINS - 1)
    return list(_binned(variance, error, mask, places))


def fit(found: list[Bin]) -> Line:
    """Fit a line without negative coefficients to bins, by least squares weighted with their standard errors.

    Raises
    ------
    Unsupported
        If the estimated error is nowhere positive.
    """
    weights = 1 / np.array([max(one.error_error, np.finfo(float).tiny) for one in found])
    variance, error = np.array([(one.variance, one.error) for one in found]).T
    unit = float(variance.mean()) or 1.0
    (floor, slope), _ = nnls(np.stack([weights, weights * variance / unit], axis=1), weights * error)
    if floor + slope <= 0:
        raise Unsupported("the error is too small to be measured on these slices")
    return Line(float(floor), float(slope / unit))


def ratio(line: Line, variance: FloatArray, error: FloatArray, mask: BoolArray) -> tuple[float, float]:
    """Return the mean squared error over the stated one, and its standard error; 1 if the statement is right."""
    return blocks.jackknife(blocks.sums([error, line.apply(variance)], mask), lambda s: s[..., 1] / s[..., 2])


def _binned(variance: FloatArray, error: FloatArray, mask: BoolArray, places: IntArray) -> Iterator[Bin]:
    for number in range(BINS):
        inside = places == number
        parts = blocks.sums([inside, inside * error, inside * variance], mask)
        parts = parts[parts[:, 1] > 0]
        mean, spread = blocks.jackknife(parts, lambda s: s[..., 2] / s[..., 1])
        yield Bin(float(parts[:, 3].sum() / parts[:, 1].sum()), mean, spread)
