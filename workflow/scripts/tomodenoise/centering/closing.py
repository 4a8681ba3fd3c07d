"""Estimator for scans of 180 degrees: match the two ends of the scan at their seam."""

from dataclasses import replace

import numpy as np
from scipy import fft

from tomodenoise.centering import robust
from tomodenoise.centering import seam as seams
from tomodenoise.centering.cleaning import Views
from tomodenoise.centering.estimators import ENDED
from tomodenoise.centering.fitting import line
from tomodenoise.centering.stating import Estimate, Parts, part, state
from tomodenoise.common.arrays import FloatArray

FEWEST_VIEWS = 16  # on both sides of the seam together
ALONE = 2.6  # standard errors by which the best match must be likelier than any far from it
FAR = 1 / 40  # of the columns, at least three
FLOOR = 0.05  # pixels: systematic error that no scatter shows; from simulated scans
SEARCHED = 512  # columns: wider views are binned to at most this for the first search
TURNS = 2  # of search and refinement, as the first may find a tilt


def seam(views: Views, closing: seams.Seam, least: int) -> tuple[Estimate, FloatArray]:
    """Match the two views at the seam, and again if the first match shows a tilt; `least` columns must overlap.

    Returns
    -------
    The estimate, not trusted if a center far away matches nearly as well, and the centers (group,) of the groups of
    rows, pixels.
    """
    sides = [blend.of(views.values, views.place) for blend in (closing.before, closing.after)]
    middles = np.array([group.mean() for group in views.groups])
    tilt = 0.0  # columns per row of `views`
    for _ in range(TURNS):
        estimate, centers, alone = _match(sides, closing.step, views, least)
        axis = line(middles, centers, middles.mean(), float(np.ptp(middles)))
        centers = centers + tilt * (middles - middles.mean())
        if axis is None or not axis.clear:
            break
        tilt += axis.tilt
        sides = [_upright(side, axis.tilt) for side in sides]
    if alone <= ALONE and estimate.reason is None:
        estimate = replace(estimate, spread=None, reason="a center far away matches nearly as well")
    return estimate, centers


def _upright(views: FloatArray, tilt: float) -> FloatArray:
    """Shift rows (row, view, column) sideways by `tilt` columns per row; the middle row stays in place."""
    rows, _, columns = views.shape
    shift = tilt * (np.arange(rows) - (rows - 1) / 2)[:, None, None]
    spectrum = fft.rfft(np.concatenate([views, views[..., ::-1]], axis=-1))
    spectrum *= np.exp(1j * np.pi / columns * np.arange(columns + 1) * shift)
    return np.asarray(fft.irfft(spectrum, 2 * columns)[..., :columns], dtype=np.float32)


def _match(sides: list[FloatArray], step: float, views: Views, least: int) -> tuple[Estimate, FloatArray, float]:
    """Return the center at which the ends match, those of the groups of rows, and the lead over any far away."""
    columns = sides[0].shape[-1]
    variance = views.noise.mean(axis=0)
    factor = -(-columns // SEARCHED)
    rough = seams.estimate(sides[0], sides[1], step, columns / 2, variance).binned(factor)
    start, alone = _clearest(rough, least, factor)
    start = (_approach(rough.odd, start) + 0.5) * factor - 0.5
    ends = seams.estimate(sides[0], sides[1], step, min(start, columns - 1 - start) + 1, variance)
    best = _approach(ends.odd, start)
    around = _around(best, 3.0 + columns / 256, robust.STEP, columns)
    misfits = robust.compare(ends.odd, robust.split(ends.odd, best), around, views.groups)
    even = robust.doubted(ends.even, robust.split(ends.even, misfits.best), misfits.best)
    misfits += robust.compare(ends.even, even, around, views.groups)
    centers = np.array([misfits.lowest(curve) for curve in misfits.alone.T])
    overlap = 2 * min(misfits.best + 0.5, columns - 0.5 - misfits.best)
    reason = None if misfits.inside and overlap > least else ENDED
    parted = [_by_rows(misfits), part(misfits.blocks.T, misfits.lowest)]
    center = misfits.best if reason is None else (columns - 1) / 2
    return state("seam", center, parted, FLOOR, reason), centers, alone


def _clearest(ends: seams.Ends, least: int, factor: int) -> tuple[float, float]:
    """Find the likeliest center, and by how many standard errors it is likelier than any far away."""
    far = max(3, FAR * len(ends.variance))
    center, alone = _peak(*robust.search(ends.odd, max(least // factor, 2)), far)
    # The ends themselves hold stationary structures: they only confirm the center of their difference.
    other, lead = _peak(*robust.search(ends, max(least // factor, 2)), far)
    return center, max(alone, lead) if abs(center - other) <= far else alone


def _peak(centers: FloatArray, gain: FloatArray, far: float) -> tuple[float, float]:
    """Find the likeliest center, and its lead over any far away, in standard errors over the blocks."""
    best = int(np.argmax(gain.sum(axis=1)))
    away = np.abs(centers - centers[best]) > far
    if not away.any():
        return float(centers[best]), 0.0
    lead = gain[best] - gain[away]  # (center, block)
    count = lead.shape[1]
    error = np.sqrt(count * np.var(lead, axis=1) * count / (count - 1))
    return float(centers[best]), float(np.min(lead.sum(axis=1) / np.maximum(error, 1e-30)))


def _by_rows(misfits: robust.Misfits) -> Parts | None:
    """Find the centers without each group of rows, whose misfits do not add up as they share a component."""
    if misfits.without.shape[1] < 2:
        return None
    without = np.array([misfits.lowest(curve) for curve in misfits.without.T])
    halves = [misfits.lowest(misfits.alone[:, half::2].sum(axis=1)) for half in (0, 1)]
    return Parts(without, (halves[0], halves[1]))


def _approach(ends: seams.Ends, start: float) -> float:
    """Refine a center."""
    groups = [np.arange(len(ends.first))]
    for _ in range(4):
        around = _around(start, 2.5, 2 * robust.STEP, ends.first.shape[1])
        best = robust.compare(ends, robust.split(ends, start), around, groups).best
        if abs(best - start) < 1:
            return best
        start = best
    return start


def _around(center: float, reach: float, step: float, columns: int) -> FloatArray:
    """Return evenly spaced centers around a center, all on the detector."""
    centers = center + step * np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1)
    return np.asarray(centers[(centers >= 0) & (centers <= columns - 1)])
