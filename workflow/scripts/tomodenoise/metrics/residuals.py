"""What denoising took away: noise it should be, and nothing of the sample."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_gradient_magnitude

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics import structure
from tomodenoise.metrics.calibration import by_intensity
from tomodenoise.metrics.support import Unsupported


@dataclass(frozen=True)
class Residual:
    """Raw minus denoised, beside noise alone of the same strength, the half-difference."""

    deviation: float
    """Standard deviation of the residual."""
    noise: float
    """That of the half-difference."""
    at_edges: float
    """Correlation of |residual| with the gradient of the denoised image."""
    noise_at_edges: float
    """The same of the half-difference: noise itself may be stronger where the sample is."""
    rings: float | None
    """Share of the residual's variance in rings about the axis, see `structure.rings`."""
    outline: float | None
    """The same in lines along the edges of the denoised image, see `structure.lines`."""
    levels: FloatArray
    """(bin,) mean of the denoised image."""
    means: FloatArray
    """(bin,) mean of the residual there."""
    errors: FloatArray
    """(bin,) standard error of that."""


def half_difference(first: FloatArray, second: FloatArray, shares: tuple[float, float]) -> FloatArray:
    """Noise of the full image, from two parts of its data that have nothing but the truth in common.

    Parameters
    ----------
    first, second : images of the two parts.
    shares : of the data in each; for halves this is (first - second) / 2.

    Notes
    -----
    The variance of a part goes as 1 / share, so √(s1 s2) (x1 - x2) has that of s1 x1 + s2 x2 if s1 + s2 = 1.
    """
    total = sum(shares)
    return np.asarray(np.sqrt(shares[0] * shares[1]) / total * (first - second), dtype=np.float32)


def examine(raw: FloatArray, denoised: FloatArray, noise: FloatArray, mask: BoolArray) -> Residual:
    """Compare a residual with noise; all (z, y, x), noise from `half_difference`.

    Raises
    ------
    Unsupported
        If no pixel is judged.
    """
    inside = np.broadcast_to(mask, raw.shape)
    if not inside.any():
        raise Unsupported("no pixel is judged")
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
