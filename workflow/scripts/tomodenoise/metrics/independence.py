"""Whether the noise of sections is independent, without which a network learns to keep it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import jv

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported
from tomodenoise.reconstruction.engines import filters

ZONES = ((0.0, 5.0), (5.0, 20.0), (20.0, np.inf))
"""Pixels from the axis. What is common to many views adds up near it, and gets lost outside."""

FINE = 1.0
"""Pixels, deviation of the Gaussian whose result is taken off: a network errs at coarser structure than the noise."""

FEWEST_SLICES = 3

ALIKE = 1.5
"""Pixels that count as one, as a ramp filter correlates neighbours: ∫ P² / (∫ P)² for a power P = f up to Nyquist."""


@dataclass(frozen=True)
class Zone:
    """Correlation of the noise of two sections at some distance from the axis."""

    inner: float
    outer: float
    """Pixels."""
    correlation: float
    error: float
    """Standard error."""


def by_radius(pairs: Sequence[tuple[FloatArray, FloatArray]], mask: BoolArray) -> list[Zone]:
    """Correlate what is left of sections after an estimate of the sample is taken off.

    Parameters
    ----------
    pairs : of (z, y, x) images a - f and b - f, with f made of neither a nor b.
    mask : (y, x).

    Returns
    -------
    One entry for each zone that holds pixels of the mask.

    Raises
    ------
    Unsupported
        If there are fewer than 3 slices, pairs together, or nothing in them.

    Notes
    -----
    The error of f is in both and looks like noise in common: mean (a - f)(b - f) is the uMSE where the noise is
    independent. It is small in fine structure, the difference from a Gaussian of 1 pixel, where a ramp filter has put
    most of the noise, and it is everywhere, so that the zones near the axis stand beside the one far from it.
    """
    count = sum(len(first) for first, _ in pairs)
    if count < FEWEST_SLICES:
        raise Unsupported(f"too few slices are judged for a standard error: {count}")
    pixels = count * np.array([int((mask & zone).sum()) for zone in _zones(mask.shape[-1])])
    sums = np.concatenate([_sums(first, second, mask) for first, second in pairs])
    zones = []
    for number, (inner, outer) in enumerate(ZONES):
        product, left, right = sums[:, number].T
        strength = np.sqrt(left.sum() * right.sum())
        if strength > 0:
            scatter = np.std(product, ddof=1) * np.sqrt(count) / strength
            # A few slices may agree by chance.
            error = max(scatter, np.sqrt(ALIKE / pixels[number]))
            zones.append(Zone(inner, outer, float(product.sum() / strength), float(error)))
    if not zones:
        raise Unsupported("no noise is left to be compared")
    return zones


def excess(near: Sequence[Zone], apart: Sequence[Zone]) -> tuple[float, float]:
    """How much more the noise of sections correlates whose frames follow on each other: the trace of afterglow.

    Parameters
    ----------
    near, apart : zones of pairs of sections that are neighbours in time, and of others.

    Returns
    -------
    The mean difference, each zone by its certainty, and its standard error. The error of the network and shared flats
    are in both, and cancel.
    """
    both = [(a, b) for a in near for b in apart if a.inner == b.inner]
    differences = np.array([a.correlation - b.correlation for a, b in both])
    variances = np.array([a.error**2 + b.error**2 for a, b in both])
    weights = 1 / variances / np.sum(1 / variances)
    return float(weights @ differences), float(np.sqrt(1 / np.sum(1 / variances)))


def flats_share(projections: int, flats: int, transmission: float, window: str, *, full_turn: bool) -> list[float]:
    """Correlation that the noise of one mean flat makes, for each zone, if two sections share it.

    Parameters
    ----------
    projections : in a section, P.
    flats : in the mean that they share, N.
    transmission : of the sample on rays near the axis, t.
    window : on the ramp filter, see `filters.FILTERS`.
    full_turn : whether the views go all around.

    Notes
    -----
    Derived for photon noise: -log makes a variance of 1/(I t) of a projection and of 1/(I N) of the mean flat, and
    the latter is the same in every view. With H the ramp filter and G the fine structure that is looked at, the ratio
    of the two variances in a slice is q = (P t / N) ∫ H²G² B(2πfr) df / ∫ H²G² df, and the correlation q / (1 + q).
    B(x) is the mean square of exp(i x cos θ) averaged over the directions: J0² for a full turn, which makes rings; for
    a half-turn, which makes half rings, (8/π²) Σ J²(x)/n² over the odd orders n is added.
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
    """Masks (y, x) of the zones."""
    offset = np.arange(size) - (size - 1) / 2
    radius = np.hypot(offset[:, None], offset)
    return [np.asarray((radius >= inner) & (radius < outer)) for inner, outer in ZONES]


def _sums(first: FloatArray, second: FloatArray, mask: BoolArray) -> FloatArray:
    """Sum a b, a² and b² over each zone of each slice: (z, zone, 3)."""
    near = [mask & zone for zone in _zones(first.shape[-1])]
    sums = np.empty((len(first), len(ZONES), 3))
    for z in range(len(first)):
        a, b = (each[z] - gaussian_filter(each[z], FINE) for each in (first, second))
        for number, zone in enumerate(near):
            left, right = a[zone].astype(float), b[zone].astype(float)
            sums[z, number] = left @ right, left @ left, right @ right
    return sums
