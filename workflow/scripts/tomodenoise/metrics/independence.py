"""Independence of the noise of sections, without which a network learns to keep the noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import jv

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported
from tomodenoise.reconstruction.engines import filters

ZONES = ((0.0, 5.0), (5.0, 20.0), (20.0, np.inf))
"""Pixels from the axis. Errors common to many views add up near the axis and average out away from it."""

FINE = 1.0
"""Pixels, standard deviation of the Gaussian high-pass: the errors of a network are coarser than the noise."""

FEWEST_SLICES = 3

ALIKE = 1.5
"""Pixels per independent pixel, as the ramp filter correlates neighbours: ∫ P² / (∫ P)² for a power P = f up to
Nyquist."""


@dataclass(frozen=True)
class Zone:
    """Correlation of the noise of two sections in a range of distances from the axis."""

    inner: float
    outer: float
    """Pixels."""
    correlation: float
    error: float
    """Standard error."""


def by_radius(pairs: Sequence[tuple[FloatArray, FloatArray]], mask: BoolArray) -> list[Zone]:
    """Correlate the residuals of sections after an estimate of the sample is subtracted.

    Parameters
    ----------
    pairs : (z, y, x) images a - f and b - f, with f made from neither a nor b.
    mask : (y, x).

    Returns
    -------
    One entry per zone that holds pixels of the mask.

    Raises
    ------
    Unsupported
        If there are fewer than 3 slices in all pairs together, or nothing in them.

    Notes
    -----
    Both residuals hold the error of f, which looks like common noise: if the noise is independent, mean (a - f)(b - f)
    is the uMSE. This error is small in fine structure (the difference from a Gaussian of 1 pixel), which holds most of
    the noise after the ramp filter; and it does not depend on the distance from the axis, so the outer zone serves as a
    reference for the inner ones.
    """
    count = sum(len(first) for first, _ in pairs)
    if count < FEWEST_SLICES:
        raise Unsupported(f"{count} slices are too few for a standard error")
    pixels = count * np.array([int((mask & zone).sum()) for zone in _zones(mask.shape[-1])])
    sums = np.concatenate([_sums(first, second, mask) for first, second in pairs])
    zones = []
    for number, (inner, outer) in enumerate(ZONES):
        product, left, right = sums[:, number].T
        strength = np.sqrt(left.sum() * right.sum())
        if strength > 0:
            scatter = np.std(product, ddof=1) * np.sqrt(count) / strength
            # Few slices may agree by chance.
            error = max(scatter, np.sqrt(ALIKE / pixels[number]))
            zones.append(Zone(inner, outer, float(product.sum() / strength), float(error)))
    if not zones:
        raise Unsupported("there is no noise to compare")
    return zones


def excess(near: Sequence[Zone], apart: Sequence[Zone]) -> tuple[float, float]:
    """Return the additional correlation between sections with consecutive frames, which is due to afterglow.

    Parameters
    ----------
    near, apart : zones of pairs of sections that are neighbours in time, and of other pairs.

    Returns
    -------
    The mean difference, weighted by the inverse variances, and its standard error. The error of the network and the
    shared flats affect both kinds of pairs, and cancel.
    """
    zones = [(a, b) for a in near for b in apart if a.inner == b.inner]
    differences = np.array([a.correlation - b.correlation for a, b in zones])
    variances = np.array([a.error**2 + b.error**2 for a, b in zones])
    weights = 1 / variances / np.sum(1 / variances)
    return float(weights @ differences), float(np.sqrt(1 / np.sum(1 / variances)))


def flats_share(projections: int, flats: int, transmission: float, window: str, *, full_turn: bool) -> list[float]:
    """Return the correlation in each zone due to the noise of a mean flat that two sections share.

    Parameters
    ----------
    projections : number of projections in a section, P.
    flats : number of flats in the shared mean, N.
    transmission : transmission of the sample on rays near the axis, t.
    window : window of the ramp filter, see `filters.FILTERS`.
    full_turn : whether the views cover the full circle.

    Notes
    -----
    Derived for photon noise: after -log, a projection has the variance 1/(I t) and the mean flat 1/(I N), and the
    latter is the same in every view. With H the ramp filter and G the high-pass of `FINE`, the ratio of both variances
    in a slice is q = (P t / N) ∫ H²G² B(2πfr) df / ∫ H²G² df, and the correlation is q / (1 + q). B(x) is the squared
    modulus of the mean of exp(i x cos θ) over the views: J0² for a full turn, which causes rings; for a half-turn,
    which causes half rings, (8/π²) Σ Jn²(x)/n² over the odd orders n is added.
    """
    frequency = np.arange(257) / 512
    fine = 1 - np.exp(-2 * (np.pi * frequency * FINE) ** 2)
    strength = (filters.response(window, 512) * fine) ** 2
    shares = []
    for inner, outer in ZONES:
        radius = np.linspace(inner, min(outer, 100.0), 32)
        phase = 2 * np.pi * frequency * radius[:, None]
        common = jv(0, phase) ** 2
        if not full_turn:
            common += 8 / np.pi**2 * np.sum([jv(n, phase) ** 2 / n**2 for n in range(1, 30, 2)], axis=0)
        mean = np.average(common @ strength, weights=radius + 1e-9) / strength.sum()
        ratio = projections * transmission / flats * mean
        shares.append(float(ratio / (1 + ratio)))
    return shares


def _zones(size: int) -> list[BoolArray]:
    """Return the masks (y, x) of the zones."""
    offset = np.arange(size) - (size - 1) / 2
    radius = np.hypot(offset[:, None], offset)
    return [np.asarray((radius >= inner) & (radius < outer)) for inner, outer in ZONES]


def _sums(first: FloatArray, second: FloatArray, mask: BoolArray) -> FloatArray:
    """Sum a b, a² and b² over each zone of each slice: (z, zone, 3)."""
    zones = [mask & zone for zone in _zones(first.shape[-1])]
    sums = np.empty((len(first), len(ZONES), 3))
    for z in range(len(first)):
        a, b = (images[z] - gaussian_filter(images[z], FINE) for images in (first, second))
        for number, zone in enumerate(zones):
            left = a[zone].astype(float)
            right = b[zone].astype(float)
            sums[z, number] = left @ right, left @ left, right @ right
    return sums
