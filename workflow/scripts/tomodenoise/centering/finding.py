"""Find the center of rotation from the projections alone.

Three estimators, each blind where another sees:

``mirror``   A view and the view 180 degrees away are mirror images about the axis. Needs such pairs; a scan of 180
             degrees has one or two of them, off by up to an angular step.
``seam``     A scan of 180 degrees followed by its own mirror image is a scan of 360 degrees, smooth across the seam
             only at the right center. Uses the hundred views at each end and allows for the turn between them.
``moments``  The centre of mass of a projection follows a sinusoid about the axis. Needs no opposite views, but the
             whole object inside the field of view and a background of zero.
"""

from dataclasses import dataclass

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.centering.matching import despike, difference, lowest
from tomodenoise.centering.seam import close

MOST_PAIRS = 64  # more pairs only repeat what these say
MANY_PAIRS = 16  # from here on the pairs alone beat the seam


@dataclass(frozen=True)
class Estimate:
    """What one estimator says."""

    method: str
    center: float  # pixels, leftmost pixel's centre = 0
    spread: float | None  # pixels, standard error from the scatter over rows, pairs or views; None: not to be trusted


@dataclass(frozen=True)
class Center:
    """The center, who found it, and what there is to say against it."""

    center: float  # pixels, leftmost pixel's centre = 0
    method: str
    estimates: tuple[Estimate, ...]  # the chosen one first
    warning: str | None


def find(sinograms: FloatArray, angles: FloatArray) -> Center:
    """Find the column of the rotation axis, within the middle half of the detector.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals; some dozen rows, spread over the sample, are enough.
    angles : (angle,) radians, in acquisition order; any range, any order.

    Returns
    -------
    The center, with a warning (one line) where no estimate can be trusted, where the estimates differ by more than a
    pixel, or where the chosen one is uncertain by more than half a pixel.
    """
    pairs = opposite(angles)
    estimates = [moments(sinograms, angles)]
    if len(pairs):
        estimates.insert(0, mirror(sinograms, angles, pairs))
    if 0 < len(pairs) < MANY_PAIRS <= len(angles) and estimates[0].spread is not None:
        center, each = close(sinograms, angles, estimates[0].center)
        estimates.insert(0, Estimate("seam", center, _error(each)))
    estimates.sort(key=lambda estimate: estimate.spread is None)
    chosen, *others = estimates
    return Center(chosen.center, chosen.method, tuple(estimates), _warning(chosen, others))


def overrule(found: Center, center: float) -> Center:
    """Put a person's number in place of what was found, with a warning where trusted estimates are far from it."""
    trusted = [e for e in found.estimates if e.spread is not None and abs(e.center - center) > 1 + e.spread]
    told = ", ".join(f"{estimate.method} {estimate.center:.2f}" for estimate in trusted)
    warning = f"the config's center {center:.2f} is more than a pixel from what was found: {told}" if trusted else None
    return Center(center, "config", found.estimates, warning)


def opposite(angles: FloatArray) -> IntArray:
    """Pair each view with the one nearest to 180 degrees away, where that is within two mean angular steps.

    Returns
    -------
    (pair, 2) indices into `angles`, at most 64 pairs, evenly spread; of equally near views the nearest in time, because
    a dynamic sample changes.
    """
    step = _step(angles)
    time = 1e-3 * step * np.arange(len(angles)) / len(angles)
    # Half a step either way would be a tie: always the same way, the errors of turned views cancel over the circle.
    nearest = [
        int(np.argmin(np.abs(_wrap(angles - angle - np.pi - 0.01 * step)) + np.abs(time - time[view])))
        for view, angle in enumerate(angles)
    ]
    pairs = np.stack([np.arange(len(angles)), nearest], axis=1)
    pairs = pairs[np.abs(past_opposite(angles, pairs)) <= 2 * step + 1e-6]
    return pairs[_evenly(len(pairs), MOST_PAIRS)]


def past_opposite(angles: FloatArray, pairs: IntArray) -> FloatArray:
    """Angle (radians) by which the second view of each pair is past the opposite of the first."""
    return _wrap(angles[pairs[:, 1]] - angles[pairs[:, 0]] - np.pi)


def mirror(sinograms: FloatArray, angles: FloatArray, pairs: IntArray) -> Estimate:
    """Match each view f with its flipped opposite g: f(x) = g(2 center - x).

    Its spread is None where more than half of the views differs from their opposites, or where the best match lies at
    the end of the range.
    """
    columns = sinograms.shape[-1]
    products, squares = np.stack(
        [difference(despike(row[pairs[:, 0]]), despike(row[pairs[:, 1]])) for row in sinograms], axis=1
    )
    groups = (products.sum(1), squares.sum(1)) if len(sinograms) >= 4 else (products.sum(0), squares.sum(0))
    best, mismatch = lowest(products.sum((0, 1)), squares.sum((0, 1)), columns)
    each = [lowest(*group, columns)[0] for group in zip(*groups, strict=True)]
    # A view turned by e too much is moved by e times the depth of its features, which varies as the sine of the angle.
    turned = np.abs(np.mean(past_opposite(angles, pairs) * np.exp(1j * angles[pairs[:, 0]]))) * columns / 16
    found = columns // 4 + 1 < best < columns - columns // 4 - 2 and mismatch < 0.5
    return Estimate("mirror", best, float(np.hypot(_error(np.array(each)), turned)) if found else None)


def moments(sinograms: FloatArray, angles: FloatArray) -> Estimate:
    """Fit center + a cos(angle) + b sin(angle) to the centre of mass of the projections.

    This is the first-order consistency condition of Helgason and Ludwig (Natterer, The Mathematics of Computerized
    Tomography, 1986, section II.4). Its spread is None where the condition cannot hold: the object leaves the field of
    view (more than 1 % of the mean profile is left at its borders) or its mass varies over the angles by over 3 %.
    """
    middle = (sinograms.shape[-1] - 1) / 2
    left, peak, right = _profile(sinograms)
    mass, centroid = centroids(sinograms)
    if not np.isfinite(centroid).all():
        return Estimate("moments", middle, None)
    center, error = _sinusoid(centroid, angles)
    inside = max(abs(left), abs(right)) < 0.01 * peak and _scatter(mass) < 0.03 * np.median(mass)
    return Estimate("moments", center, error if inside else None)


def centroids(sinograms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mass and centre of mass (column; nan where there is no mass) of each view, all rows together.

    The background, taken from the lower of the two borders of the mean profile, is off.
    """
    rows, _, columns = sinograms.shape
    left, _, right = _profile(sinograms)
    middle = (columns - 1) / 2
    basis = np.stack([np.ones(columns), np.arange(columns) - middle], axis=1).astype(np.float32)
    sums = np.stack([row @ basis for row in sinograms]).sum(axis=0, dtype=np.float64)
    mass = sums[:, 0] - rows * columns * min(left, right)
    return mass, middle + sums[:, 1] / np.where(mass > 0, mass, np.nan)


def _warning(chosen: Estimate, others: list[Estimate]) -> str | None:
    said = f"{chosen.method} says {chosen.center:.2f}"
    if chosen.spread is None:
        return f"the center cannot be found: {said}, but nothing supports it; give `center` in pixels"
    apart = [
        f"{other.method} says {other.center:.2f}"
        for other in others
        if other.spread is not None and abs(other.center - chosen.center) > max(1, other.spread + chosen.spread)
    ]
    if apart:
        return f"the estimates of the center differ by more than a pixel: {', '.join([said, *apart])}"
    if chosen.spread > 0.5:
        return f"the center is uncertain: {said}, give or take {chosen.spread:.1f} pixels"
    return None


def _profile(sinograms: FloatArray) -> tuple[float, float, float]:
    """Left border, peak and right border of the mean over all views."""
    profile = np.stack([row.mean(axis=0) for row in sinograms]).mean(axis=0, dtype=np.float64)
    border = max(1, len(profile) // 50)
    return float(profile[:border].mean()), float(profile.max()), float(profile[-border:].mean())


def _sinusoid(values: FloatArray, angles: FloatArray) -> tuple[float, float]:
    """Offset of a sinusoid through `values` and its standard error; outliers weigh less (Huber)."""
    model = np.stack([np.ones(len(angles)), np.cos(angles), np.sin(angles)], axis=1)
    weight: FloatArray = np.ones(len(angles))
    scale = 0.0
    solution: FloatArray = np.zeros(3)
    for _ in range(10):
        solution = np.linalg.lstsq(model * weight[:, None], values * weight)[0]
        residual = np.abs(values - model @ solution)
        scale = 1.4826 * float(np.median(residual))
        weight = np.asarray(np.sqrt(np.minimum(1, 1.5 * scale / np.maximum(residual, 1e-12))))
    return float(solution[0]), scale * float(np.sqrt(np.linalg.pinv(model.T @ model)[0, 0]))


def _scatter(values: FloatArray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _error(values: FloatArray) -> float:
    return _scatter(values) / float(np.sqrt(len(values)))


def _wrap(angles: FloatArray) -> FloatArray:
    return np.asarray(np.mod(angles + np.pi, 2 * np.pi) - np.pi)


def _step(angles: FloatArray) -> float:
    """Mean angular step of the part of the circle that the views cover."""
    turn = np.unique(np.round(np.mod(angles, 2 * np.pi), 6))
    gap = float(np.diff(turn, append=turn[0] + 2 * np.pi).max())
    return (2 * np.pi - gap) / max(1, len(turn) - 1)


def _evenly(count: int, most: int) -> IntArray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp)) if count else np.arange(0)
