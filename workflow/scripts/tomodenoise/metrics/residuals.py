"""Residual of denoising, raw minus denoised, which should be noise and hold nothing of the sample."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_gradient_magnitude

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics import structure
from tomodenoise.metrics.calibration import by_intensity
from tomodenoise.metrics.support import Unsupported


@dataclass(frozen=True)
class Residual:
    """Raw minus denoised, compared with pure noise of the same strength, the half-difference."""

    deviation: float
    """Standard deviation of the residual."""
    noise: float
    """Standard deviation of the half-difference."""
    at_edges: float
    """Correlation of |residual| with the gradient of the denoised image."""
    noise_at_edges: float
    """The same for the half-difference, as noise itself may be stronger inside the sample."""
    rings: float | None
    """Fraction of the residual's variance in rings about the axis, see `structure.rings`."""
    outline: float | None
    """Fraction in lines along the edges of the denoised image, see `structure.lines`."""
    levels: FloatArray
    """(bin,) mean of the denoised image."""
    means: FloatArray
    """(bin,) mean of the residual."""
    errors: FloatArray
    """(bin,) standard error of the mean residual."""


def half_difference(first: FloatArray, second: FloatArray, shares: tuple[float, float]) -> FloatArray:
    """Return noise like that of the full image, from two parts of its data with independent noise.

    Parameters
    ----------
    first, second : images from the two parts, any shape.
    shares : fraction of the data in each part; for halves the result is (first - second) / 2.

    Returns
    -------
    float32 array of the same shape.

    Notes
    -----
    The noise variance of a part is proportional to 1 / share, so √(s1 s2) (x1 - x2) has the same noise variance as
    s1 x1 + s2 x2 if s1 + s2 = 1.
    """
    total = sum(shares)
    return np.asarray(np.sqrt(shares[0] * shares[1]) / total * (first - second), dtype=np.float32)


def examine(raw: FloatArray, denoised: FloatArray, noise: FloatArray, mask: BoolArray) -> Residual:
    """Compare the residual with pure noise.

    Parameters
    ----------
    raw, denoised : (z, y, x).
    noise : (z, y, x) from `half_difference`.
    mask : (y, x).

    Raises
    ------
    Unsupported
        If the mask is empty.
    """
    inside = np.broadcast_to(mask, raw.shape)
    if not inside.any():
        raise Unsupported("the mask is empty")
    removed = raw - denoised
    residual = removed[inside]
    gradient = np.stack([gaussian_gradient_magnitude(image, 1.0) for image in denoised])[inside]
    levels, means, errors = by_intensity(denoised[inside], residual)
    return Residual(
        deviation=float(residual.std(dtype=float)),
        noise=float(noise[inside].std(dtype=float)),
        at_edges=_correlation(np.abs(residual), gradient),
        noise_at_edges=_correlation(np.abs(noise[inside]), gradient),
        rings=structure.rings(removed, noise, denoised, mask),
        outline=structure.lines(removed, noise, denoised, mask),
        levels=levels,
        means=means,
        errors=errors,
    )


def _correlation(first: FloatArray, second: FloatArray) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first.astype(float), second.astype(float))[0, 1])
