"""Estimators of the center, which complement each other.

``mirror``   A view and the view 180 degrees away are mirror images about the axis. Needs such pairs; a scan of 180
             degrees has one or two of them, off by up to an angular step.
``seam``     A scan of 180 degrees followed by its own mirror image is a scan of 360 degrees, smooth across the seam
             only at the right center. Uses the hundreds of views at each end and allows for the rotation between them.
``moments``  The centre of mass of a projection follows a sinusoid about the axis. Needs no opposite views, but the
             whole object inside the field of view and a background of zero.

Stationary structures (a mask, a wire, a dead strip, a ring) are their own mirror images about another center:

``mirror``   The mean of each side of the pairs is subtracted, or with few pairs the other side. The sample that remains
             is still mirrored.
``seam``     The difference of both ends is matched first, see `robust`.
``moments``  Their mass shifts the center and cannot be distinguished from that of the sample: hence `UNSEEN`.
"""

from dataclasses import replace

import numpy as np
from scipy import fft, ndimage

from tomodenoise.centering.circle import past_opposite
from tomodenoise.centering.cleaning import Views
from tomodenoise.centering.fitting import fit, scatter
from tomodenoise.centering.matching import Spectrum, curves, difference, likelihood, peak, window
from tomodenoise.centering.stating import PARTS, Estimate, Parts, part, state
from tomodenoise.common.arrays import FloatArray, IntArray

MANY_PAIRS = 16  # with as many, the pairs alone are better than the seam
ENDED = "the best match is at the end of the search range"
DISTINCT = 5.0  # standard deviations by which a match must exceed all others to count, however noisy
FLOOR = 0.02  # pixels: systematic error of `mirror` that no scatter shows; from simulated scans
UNSEEN = 0.25, 0.005  # the same of `moments`: pixels, and fraction of the columns
STRETCHES = 16  # parts of a scan in which a movement is looked for
SLIP = 1.0  # pixels: in real scans without movement the centre of mass left its circle by 0.6 at most


def mirror(views: Views, angles: FloatArray, pairs: IntArray, least: int) -> tuple[Estimate, FloatArray]:
    """Match each view f with its flipped opposite g: f(x) = g(2 center - x).

    The match is located by the normalised difference, which favours neither a large overlap nor empty air, and refined
    by the agreement within a window about the center. It is trusted if it stands out, or if all three thirds of the
    pairs match best at the same center; but not at the end of the search range, `least` columns of overlap.

    Returns
    -------
    The estimate, and the centers (group,) of the groups of rows, pixels.
    """
    first, second = _moving(views, pairs)
    columns = first.shape[-1]
    smooth = max(1.0, columns / 128)
    products, squares = _differences(first, second, least, smooth)
    match = _ratio(products.sum(axis=0), squares.sum(axis=0))
    agree = len(products) == 3 and np.ptp(np.argmax(_ratio(products, squares), axis=1)) <= 4 * smooth
    best, agreement = _refine(first, second, (least - 1 + int(np.argmax(match))) / 2)
    reason = None
    if not (agree or match.max() > 0.5 or match.max() > np.median(match) + DISTINCT * scatter(match)):
        reason = "opposite views match nowhere better than by chance"
    elif not least / 2 + 1 < best + 0.5 < columns - least / 2 - 1:
        return Estimate("mirror", (columns - 1) / 2, None, reason=ENDED), np.array([])
    # A view at an angle that is off by e is shifted by e times the depth of its features, which varies sinusoidally.
    turned = np.abs(np.mean(past_opposite(angles, pairs) * np.exp(1j * angles[pairs[:, 0]]))) * columns / 16
    reach = 2 + columns / 64

    def highest(curve: FloatArray) -> float:
        return peak(curve, best, reach)

    by_rows = np.array([agreement[group].sum(axis=(0, 1)) for group in views.groups])
    parted = [part(by_rows, highest), part(agreement.sum(axis=0), highest)]
    estimate = state("mirror", best, parted, float(np.hypot(FLOOR, turned)), reason)
    return estimate, np.array([peak(curve, best, reach + columns / 64) for curve in by_rows])


def _moving(views: Views, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the views of pairs and their opposites, (row, pair, column) each, without what does not move."""
    first, second = (views.at(side) for side in pairs.T)
    if len(pairs) < MANY_PAIRS:
        return first - second, second - first
    return first - first.mean(axis=1, keepdims=True), second - second.mean(axis=1, keepdims=True)


def _differences(first: FloatArray, second: FloatArray, least: int, smooth: float) -> tuple[FloatArray, FloatArray]:
    """Sum up what `difference` returns of smoothed rows, (third of the pairs, 2 center) each; one of few pairs."""
    thirds = np.array_split(np.arange(first.shape[1]), min(3, first.shape[1]))
    sums = np.zeros((2, len(thirds), 2 * first.shape[2] - 2 * least + 1))
    for row in zip(first, second, strict=True):
        a, b = (ndimage.gaussian_filter1d(side, smooth, mode="nearest") for side in row)
        for at, third in enumerate(thirds):
            sums[:, at] += difference(a[third], b[third], least)
    return sums[0], sums[1]


def _ratio(products: FloatArray, squares: FloatArray) -> FloatArray:
    return np.asarray(products / np.maximum(squares, np.finfo(np.float32).tiny))


def _refine(first: FloatArray, second: FloatArray, start: float) -> tuple[float, FloatArray]:
    """Return the center near `start`, and the agreement (row, part of the pairs, 2 FINE center)."""
    rows, pairs, columns = first.shape
    parts = np.array_split(np.arange(pairs), min(PARTS, pairs))
    best = start
    agreement: FloatArray = np.empty(0)
    # The weights of each half come from the other half, so that their noise is independent.
    halves: list[tuple[slice, ...]] = [(np.s_[0::2],), (np.s_[1::2],)]
    if rows == 1:
        halves = [(np.s_[:], np.s_[0::2]), (np.s_[:], np.s_[1::2])]
    for _ in range(3):
        edges = window(columns, best)
        near = min(best, columns - 1 - best) + 1
        spectra = [[_cross(first[row, part], second[row, part], edges) for part in parts] for row in range(rows)]
        cross = np.array([[product for product, _ in row] for row in spectra])
        power = np.array([[square for _, square in row] for row in spectra])
        weight = np.empty(power.shape)
        for half, rest in zip(halves, halves[::-1], strict=True):
            weight[half] = likelihood(cross[rest].sum((0, 1)), power[rest].sum((0, 1)), 2 * best, near)
        agreement = curves(np.asarray(cross * weight, np.complex128), columns)
        best = peak(agreement.sum((0, 1)), best, 2 + columns / 64)
    return best, agreement


def _cross(first: FloatArray, second: FloatArray, edges: FloatArray) -> tuple[Spectrum, FloatArray]:
    """Return the cross spectrum and the power, (frequency,) each, of views and their opposites within a window."""
    length = fft.next_fast_len(2 * len(edges), real=True)
    rim = (edges > 0) & (edges < 1)
    level = (first[:, rim].mean() + second[:, rim].mean()) / 2 if rim.any() else np.float32(0)
    a, b = (fft.rfft((side - level) * edges, length) for side in (first, second))
    return np.sum(a * b, axis=0), np.sum(np.abs(a) ** 2 + np.abs(b) ** 2, axis=0) / 2


def moments(views: Views, angles: FloatArray, used: IntArray) -> tuple[Estimate, FloatArray]:
    """Fit center + a cos(angle) + b sin(angle) to the centre of mass of some views.

    This is the first-order consistency condition of Helgason and Ludwig (Natterer, The Mathematics of Computerized
    Tomography, 1986, section II.4). The result is not trusted if the condition cannot hold: the object leaves the field
    of view (at the borders the mean profile exceeds 1 % of its maximum) or its mass varies by more than 3 %.

    Returns
    -------
    The estimate, and the centers (group,) of the groups of rows, pixels; NaN without mass.
    """
    sinograms = views.at(used)
    columns = sinograms.shape[-1]
    left, highest, right = _profile(sinograms)
    mass, centroid = centroids(sinograms)
    usable = np.isfinite(centroid)
    model = np.stack([np.ones(len(used)), np.cos(angles[used]), np.sin(angles[used])], axis=1)
    if usable.sum() < 5:
        return Estimate("moments", (columns - 1) / 2, None, None, "fewer than five views have mass"), np.array([])

    centers = np.array([_circle_center(model, centroids(sinograms[group])[1]) for group in views.groups])
    center = _circle_center(model, centroid)
    blocks = np.array_split(np.flatnonzero(usable), PARTS) if usable.sum() >= 5 * PARTS else []
    views_used = np.arange(len(used))
    without = [_circle_center(model, np.where(np.isin(views_used, block), np.nan, centroid)) for block in blocks]
    known = centers[np.isfinite(centers)]
    parted = [
        Parts(np.array(without), None) if without else None,
        Parts((known.sum() - known) / max(len(known) - 1, 1), None) if len(known) > 1 else None,
    ]
    reason, moved = None, 0.0
    if max(abs(left), abs(right)) >= 0.01 * highest:
        reason = "the sample leaves the field of view, or the background is not zero"
    elif scatter(mass[usable]) >= 0.03 * np.median(mass[usable]):
        reason = "the mass varies over the angles"
    else:
        moved = _departure(model[usable], centroid[usable])
    floor = float(np.hypot(UNSEEN[0], UNSEEN[1] * columns))
    return replace(state("moments", center, parted, floor, reason), moved=moved), centers


def _departure(model: FloatArray, centroid: FloatArray) -> float:
    """Return the pixels by which the centre of mass deviates from its circle in parts of a scan; 0 if insignificant."""
    if len(centroid) < 4 * STRETCHES:
        return 0.0
    residual = centroid - model @ fit(model, centroid)
    # A sample that slips leaves the circle for good; a median ignores single views.
    stretches = [float(np.median(part)) for part in np.array_split(residual, STRETCHES)]
    noise = 1.25 * scatter(np.diff(residual)) / np.sqrt(2 * len(residual) / STRETCHES)
    departure = float(np.ptp(stretches))
    return departure if departure > max(SLIP, 8 * noise) else 0.0


def _circle_center(model: FloatArray, centroid: FloatArray) -> float:
    """Return the center about which a centre of mass turns; NaN if fewer than five views have one."""
    usable = np.isfinite(centroid)
    return float(fit(model[usable], centroid[usable])[0]) if usable.sum() >= 5 else float("nan")


def centroids(sinograms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mass and the centre of mass of each view, all rows together.

    The background, taken from the lower of the two borders of the mean profile, is subtracted.

    Parameters
    ----------
    sinograms : (row, view, column) float32, line integrals.

    Returns
    -------
    (view,) mass and (view,) centre of mass as a column, NaN without mass; float64.
    """
    rows, _, columns = sinograms.shape
    left, _, right = _profile(sinograms)
    middle = (columns - 1) / 2
    basis = np.stack([np.ones(columns), np.arange(columns) - middle], axis=1).astype(np.float32)
    sums = np.stack([row @ basis for row in sinograms]).sum(axis=0, dtype=np.float64)
    mass = sums[:, 0] - rows * columns * min(left, right)
    return mass, middle + sums[:, 1] / np.where(mass > 0, mass, np.nan)


def _profile(sinograms: FloatArray) -> tuple[float, float, float]:
    """Return the left border, the maximum and the right border of the mean over all views."""
    profile = np.stack([row.mean(axis=0) for row in sinograms]).mean(axis=0, dtype=np.float64)
    border = max(1, len(profile) // 50)
    return float(profile[:border].mean()), float(profile.max()), float(profile[-border:].mean())
