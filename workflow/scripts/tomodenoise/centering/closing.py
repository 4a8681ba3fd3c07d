"""The estimator for half turns: close the scan at its seam."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft

from tomodenoise.centering import robust
from tomodenoise.centering import seam as seams
from tomodenoise.centering.cleaning import Views
from tomodenoise.centering.estimators import ENDED
from tomodenoise.centering.stating import Estimate, Parts, part, state
from tomodenoise.centering.tilting import line
from tomodenoise.common.arrays import FloatArray

FEWEST_VIEWS = 16  # on both sides of the seam together
ALONE = 2.6  # standard errors by which the best match must be likelier than any far from it
FAR = 1 / 40  # of the columns, and three at least
FLOOR = 0.05  # pixels: what no scatter shows; from simulated scans
SEARCHED = 512  # columns, to which wider views are binned for the first search
TURNS = 2  # of search and refinement: the first may find a tilt


@dataclass(frozen=True)
class Match:
    """The center at which both ends match."""

    estimate: Estimate
    each: FloatArray  # (group,) center of each group of rows
    alone: float  # standard errors by which it is likelier than any far away


def seam(views: Views, closing: seams.Seam, least: int) -> tuple[Estimate, FloatArray]:
    """Match the two views at the seam, and once more where the first match shows a tilt.

    Not to be trusted where another center far away does nearly as well.

    Parameters
    ----------
    least : columns of overlap.

    Returns
    -------
    What it says, and the centers (group,) of the groups of rows.
    """
    sides = [blend.of(views.values, views.place) for blend in (closing.before, closing.after)]
    middles = np.array([group.mean() for group in views.groups])
    tilt = 0.0  # columns per place in `views`
    for _ in range(TURNS):
        match = _match(sides, closing.step, views, least)
        leaning = line(middles, match.each, middles.mean(), float(np.ptp(middles)))
        match = replace(match, each=match.each + tilt * (middles - middles.mean()))
        if leaning is None or not leaning.clear:
            break
        tilt += leaning.tilt
        sides = [_upright(side, leaning.tilt) for side in sides]
    if match.alone <= ALONE and match.estimate.reason is None:
        reason = "a center far away matches nearly as well"
        return replace(match.estimate, spread=None, reason=reason), match.each
    return match.estimate, match.each


def _upright(views: FloatArray, tilt: float) -> FloatArray:
    """Shift rows (row, view, column) sideways by `tilt` columns per row, the middle one not."""
    rows, _, columns = views.shape
    shift = tilt * (np.arange(rows) - (rows - 1) / 2)[:, None, None]
    spectrum = fft.rfft(np.concatenate([views, views[..., ::-1]], axis=-1))
    spectrum *= np.exp(1j * np.pi / columns * np.arange(columns + 1) * shift)
    return np.asarray(fft.irfft(spectrum, 2 * columns)[..., :columns], dtype=np.float32)


def _match(sides: list[FloatArray], step: float, views: Views, least: int) -> Match:
    """Find the center at which the ends match, and part the data to see how sure it is."""
    columns = sides[0].shape[-1]
    variance = views.noise.mean(axis=0)
    factor = -(-columns // SEARCHED)
    rough = seams.estimate(sides[0], sides[1], step, columns / 2, variance).binned(factor)
    start, alone = _clearest(rough, least, factor)
    start = _unbinned(_approach(rough.odd, start), factor)
    ends = seams.estimate(sides[0], sides[1], step, min(start, columns - 1 - start) + 1, variance)
    best = _approach(ends.odd, start)
    around = _around(best, 3.0 + columns / 256, robust.STEP, columns)
    misfits = robust.compare(ends.odd, robust.split(ends.odd, best), around, views.groups)
    even = robust.doubted(ends.even, robust.split(ends.even, misfits.best), misfits.best)
    misfits += robust.compare(ends.even, even, around, views.groups)
    each = np.array([misfits.lowest(curve) for curve in misfits.alone.T])
    overlap = 2 * min(misfits.best + 0.5, columns - 0.5 - misfits.best)
    reason = None if misfits.inside and overlap > least else ENDED
    parted = _by_rows(misfits), part(misfits.blocks.T, misfits.lowest)
    found = misfits.best if reason is None else (columns - 1) / 2
    return Match(state("seam", found, parted, FLOOR, reason), each, alone)


def _clearest(ends: seams.Ends, least: int, factor: int) -> tuple[float, float]:
    """Find the likeliest center, and by how many standard errors it is likelier than any far away.

    By what stands still no more than by noise. The ends as they are may be clearer about the same center.
    """
    far = max(3, FAR * len(ends.variance))
    found = [_peak(*robust.search(each, max(least // factor, 2)), far) for each in (ends.odd, ends)]
    (center, alone), (other, clearer) = found
    return center, max(alone, clearer) if abs(center - other) <= far else alone


def _peak(centers: FloatArray, gain: FloatArray, far: float) -> tuple[float, float]:
    """Find the likeliest center, and its lead over any far away in standard errors over the blocks."""
    best = int(np.argmax(gain.sum(axis=1)))
    away = np.abs(centers - centers[best]) > far
    if not away.any():
        return float(centers[best]), 0.0
    lead = gain[best] - gain[away]  # (center, block)
    count = lead.shape[1]
    error = np.sqrt(count * np.var(lead, axis=1) * count / (count - 1))
    return float(centers[best]), float(np.min(lead.sum(axis=1) / np.maximum(error, 1e-30)))


def _by_rows(misfits: robust.Misfits) -> Parts | None:
    """Part by groups of rows: their shared residual does not add up, so each way to leave one out is its own curve."""
    if misfits.without.shape[1] < 2:
        return None
    without = np.array([misfits.lowest(curve) for curve in misfits.without.T])
    halves = [misfits.lowest(misfits.alone[:, half::2].sum(axis=1)) for half in (0, 1)]
    return Parts(without, (halves[0], halves[1]))


def _approach(ends: seams.Ends, start: float) -> float:
    """Refine a center."""
    rows, columns = [np.arange(len(ends.first))], ends.first.shape[1]
    for _ in range(4):
        around = _around(start, 2.5, 2 * robust.STEP, columns)
        best = robust.compare(ends, robust.split(ends, start), around, rows).best
        if abs(best - start) < 1:
            return best
        start = best
    return start


def _around(center: float, reach: float, step: float, columns: int) -> FloatArray:
    """Give centers about one, all on the detector."""
    found = center + step * np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1)
    return np.asarray(found[(found >= 0) & (found <= columns - 1)])


def _unbinned(center: float, factor: int) -> float:
    return (center + 0.5) * factor - 0.5
