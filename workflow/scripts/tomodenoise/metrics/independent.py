"""Error and calibration of an image against two independent measurements."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics import blocks, rings
from tomodenoise.metrics.support import Unsupported


@dataclass(frozen=True)
class Against:
    """Figures of an image f against measurements a and b; each error is a standard error, see `blocks.jackknife`."""

    error: float
    """Mean squared error against the truth, see `merit.umse`; may be negative if it is small."""
    error_error: float
    slope: float
    """Of the regression of (a + b) / 2 on f, see `calibration.calibrate`; 1 is correct."""
    slope_error: float
    intercept: float
    """In the unit of the image."""
    intercept_error: float
    correlated_to: float | None
    """Cycles per pixel at which the cross-FRC falls below one half; None if it does not up to `valid_to`."""
    valid_to: float | None
    """Highest frequency at which a and b correlate enough for the cross-FRC; None if they nowhere do."""


def compare(image: FloatArray, first: FloatArray, second: FloatArray, mask: BoolArray, shared: float = 0.0) -> Against:
    """Compare an image (z, y, x) within a mask (y, x) with two measurements.

    Parameters
    ----------
    first, second : (z, y, x), a and b; their noise is independent of each other and of the image.
    shared : standard error of their covariance, which adds to that of the error.

    Raises
    ------
    Unsupported
        If the mask has too few pixels.
    """
    target = (first + second) / 2
    value, spread = error(image, first, second, mask)
    parts = blocks.sums([image, target, np.square(image), image * target], mask)
    slope = blocks.jackknife(parts, _slope)
    intercept = blocks.jackknife(parts, lambda s: (s[..., 2] - _slope(s) * s[..., 1]) / s[..., 0])
    return Against(value, float(np.hypot(spread, shared)), *slope, *intercept, *_correlated(image, first, second, mask))


def error(image: FloatArray, first: FloatArray, second: FloatArray, mask: BoolArray) -> tuple[float, float]:
    """Return the mean squared error against the truth and its standard error; parameters and errors as `compare`."""
    return blocks.jackknife(blocks.sums([(first - image) * (second - image)], mask), lambda s: s[..., 1] / s[..., 0])


def _correlated(
    image: FloatArray, first: FloatArray, second: FloatArray, mask: BoolArray
) -> tuple[float | None, float | None]:
    """Return `correlated_to` and `valid_to`."""
    try:
        found = rings.cross(image, first, second, rings.rings(mask))
    except Unsupported:
        return None, None
    return found.half, found.valid_to


def _slope(sums: FloatArray) -> FloatArray:
    """Return the slope of least squares from sums of 1, f, t, f² and f t."""
    count, image, target, square, product = np.moveaxis(sums, -1, 0)
    return np.asarray((count * product - image * target) / (count * square - image**2))
