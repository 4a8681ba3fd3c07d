"""Calibration of the grey values of an image against independent noisy targets."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported

BINS = 20
FEWEST_PIXELS = 1000


@dataclass(frozen=True)
class Calibration:
    """The line target = slope x image + intercept, and means over bins of equal numbers of pixels."""

    slope: float
    slope_error: float
    """Standard error, for noise that is independent from pixel to pixel."""
    intercept: float
    """In the unit of the image."""
    levels: FloatArray
    """(bin,) mean of the image, ascending."""
    means: FloatArray
    """(bin,) mean of the target."""
    errors: FloatArray
    """(bin,) standard error of the mean."""


def calibrate(image: FloatArray, target: FloatArray, mask: BoolArray) -> Calibration:
    """Regress a noisy target on an image.

    Parameters
    ----------
    image, target : (z, y, x); the noise of the target has zero mean and is independent of the image.
    mask : (y, x) or (z, y, x).

    Returns
    -------
    Slope 1 and intercept 0 if the image is the expectation of the truth given its input. A slope above 1 indicates
    reduced contrast, for instance by blurring; a slope below 1 indicates remaining noise.

    Raises
    ------
    Unsupported
        If the mask holds fewer than 1000 pixels, or the image is constant.

    Notes
    -----
    Unbiased, since the target's noise is independent of the regressor: E[b | f] = E[truth | f], and least squares
    of E[truth | f] = f has slope 1 [Murphy & Winkler, Appl. Stat. 26, 41 (1977), on calibrated predictions].
    """
    inside = np.broadcast_to(mask, image.shape)
    f = image[inside].astype(np.float64)
    b = target[inside].astype(np.float64)
    if len(f) < FEWEST_PIXELS:
        raise Unsupported(f"{len(f)} pixels are too few for a regression")
    if f.std() == 0:
        raise Unsupported("the denoised image is constant")
    centered = f - f.mean()
    slope = float(centered @ (b - b.mean()) / (centered @ centered))
    intercept = float(b.mean() - slope * f.mean())
    error = float(np.std(b - slope * f) / np.sqrt(centered @ centered))
    levels, means, errors = by_intensity(f, b)
    return Calibration(slope, error, intercept, levels, means, errors)


def by_intensity(image: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Average values in bins of the grey values of an image, with equal numbers of pixels.

    Parameters
    ----------
    image, values : (n,) pixels.

    Returns
    -------
    (bin,) float64 each: mean of the image, mean of the values, and its standard error.
    """
    order = np.array_split(np.argsort(image, kind="stable"), min(BINS, len(image)))
    levels, means = (np.array([part[i].mean(dtype=float) for i in order]) for part in (image, values))
    errors = np.array([values[i].std(dtype=float) / np.sqrt(len(i)) for i in order])
    return levels, means, errors
