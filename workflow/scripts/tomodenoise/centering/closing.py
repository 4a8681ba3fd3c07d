"""The estimator for half turns: close the scan at its seam."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.centering import robust
from tomodenoise.centering import seam as seams
from tomodenoise.centering.cleaning import Views, narrow, steps
from tomodenoise.centering.stating import Estimate, Parts, part, state
from tomodenoise.centering.tilting import line

FEWEST_VIEWS = 16  # on both sides of the seam together
ALONE = 2.6  # standard errors by which the best match must be likelier than any far from it
FAR = 1 / 40  # of the columns, and three at least
CONFLICT = 2.5  # standard errors
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
    """Match the two views at the seam; not to be trusted where another center far away does nearly as well.

    What all rows share may stand still, and then it draws the center to itself. The differences between the rows find a
    center of their own: where they contradict, they count alone.

    Parameters
    ----------
    least : columns of overlap.

    Returns
    -------
    What it says, and the centers (group,) of the groups of rows.
    """
    mean = views.mean
    chosen = _solved(views, closing, least, narrow(mean))
    sharp = steps(mean)
    if chosen.alone <= ALONE and sharp.any():
        rid = _solved(views, closing, least, sharp + narrow(mean - sharp))
        chosen = _better(chosen, rid, views.values.shape[-1])
    if chosen.alone <= ALONE and chosen.estimate.reason is None:
        reason = "a center far away matches nearly as well"
        return replace(chosen.estimate, spread=None, reason=reason), chosen.each
    return chosen.estimate, chosen.each


def _better(plain: Match, rid: Match, columns: int) -> Match:
    """Prefer the match of what is rid of sharp edges where it is clear and contradicts the plain one, which is not."""
    if rid.alone <= ALONE or rid.estimate.spread is None:
        return plain
    apart = abs(plain.estimate.center - rid.estimate.center)
    if apart <= CONFLICT * np.hypot(plain.estimate.spread or 0, rid.estimate.spread):
        return plain if plain.alone > ALONE else replace(plain, alone=rid.alone)
    return rid if apart < 2 * FAR * columns or rid.alone > plain.alone else plain


def _solved(views: Views, closing: seams.Seam, least: int, still: FloatArray) -> Match:
    """Match the ends without what stands `still` (row, column), and once more where the first match shows a tilt."""
    sides: list[FloatArray] = [
        blend.of(views.values, views.place) - still[:, None] for blend in (closing.before, closing.after)
    ]
    middles = np.array([group.mean() for group in views.groups])
    tilt = 0.0  # columns per place in `views`
    for _ in range(TURNS):
        match = _chosen(sides, closing.step, views, least)
        leaning = line(middles, match.each, middles.mean(), float(np.ptp(middles)))
        match = replace(match, each=match.each + tilt * (middles - middles.mean()))
        if leaning is None or not leaning.clear:
            break
        tilt += leaning.tilt
        sides = [_upright(side, leaning.tilt) for side in sides]
    return match


def _upright(views: FloatArray, tilt: float) -> FloatArray:
    """Shift rows (row, view, column) sideways by `tilt` columns per row, the middle one not."""
    rows, _, columns = views.shape
    shift = tilt * (np.arange(rows) - (rows - 1) / 2)[:, None, None]
    spectrum = fft.rfft(np.concatenate([views, views[..., ::-1]], axis=-1))
    spectrum *= np.exp(1j * np.pi / columns * np.arange(columns + 1) * shift)
    return np.asarray(fft.irfft(spectrum, 2 * columns)[..., :columns], dtype=np.float32)


def _chosen(sides: list[FloatArray], step: float, views: Views, least: int) -> Match:
    """Match by all that the ends hold, or only by what differs between the rows where that contradicts."""
    columns = sides[0].shape[-1]
    variance = views.noise.mean(axis=0)
    factor = -(-columns // SEARCHED)
    ends = seams.estimate(sides[0], sides[1], step, columns / 2, variance)
    centers, (shared, others) = robust.search(ends.binned(factor), max(least // factor, 2))
    far = max(3, FAR * columns / factor)
    start, alone = _clearest(centers, shared + others, far)
    radius = min(_unbinned(start, factor), columns - 1 - _unbinned(start, factor)) + 1
    ends = seams.estimate(sides[0], sides[1], step, radius, variance)
    whole = _match(ends, start, factor, views.groups, shared=True)
    if len(views.groups) < 2:
        return replace(whole, alone=alone)
    start, clear = _clearest(centers, others, far)
    differing = _match(ends, start, factor, views.groups, shared=False)
    apart = abs(whole.estimate.center - differing.estimate.center)
    if clear <= ALONE or differing.estimate.spread is None:
        return replace(whole, alone=alone)
    if apart <= CONFLICT * np.hypot(whole.estimate.spread or 0, differing.estimate.spread):
        return replace(whole, alone=max(alone, clear))
    return replace(differing, alone=clear)


def _clearest(centers: FloatArray, gain: FloatArray, far: float) -> tuple[float, float]:
    """Find the likeliest center, and by how many standard errors over the blocks it is likelier than any far away."""
    best = int(np.argmax(gain.sum(axis=1)))
    away = np.abs(centers - centers[best]) > far
    if not away.any():
        return float(centers[best]), 0.0
    lead = gain[best] - gain[away]  # (center, block)
    count = lead.shape[1]
    error = np.sqrt(count * np.var(lead, axis=1) * count / (count - 1))
    return float(centers[best]), float(np.min(lead.sum(axis=1) / np.maximum(error, 1e-30)))


def _match(ends: seams.Ends, start: float, factor: int, groups: list[IntArray], *, shared: bool) -> Match:
    """Refine a center of the binned ends, and part the data to see how sure it is."""
    if factor > 1:
        start = _approach(ends.binned(factor), start, shared=shared)
    columns = ends.first.shape[1]
    best = _approach(ends, _unbinned(start, factor), shared=shared)
    bands = robust.split(ends, best, shared=shared)
    still = robust.standing(ends, bands, best)
    misfits = robust.compare(ends, bands, _around(best, 3.0 + columns / 256, robust.STEP), groups, still)
    each = np.array([misfits.lowest(curve) for curve in misfits.alone.T])
    reason = None if misfits.inside else "the best match lies at the end of the range"
    parted = _by_rows(misfits), part(misfits.blocks.T, misfits.lowest)
    return Match(state("seam", misfits.best, parted, FLOOR, reason), each, 0.0)


def _by_rows(misfits: robust.Misfits) -> Parts | None:
    """Part by groups of rows: their shared residual does not add up, so each way to leave one out is its own curve."""
    if misfits.without.shape[1] < 2:
        return None
    without = np.array([misfits.lowest(curve) for curve in misfits.without.T])
    halves = [misfits.lowest(misfits.alone[:, half::2].sum(axis=1)) for half in (0, 1)]
    return Parts(without, (halves[0], halves[1]))


def _approach(ends: seams.Ends, start: float, *, shared: bool) -> float:
    """Refine a center."""
    rows = [np.arange(len(ends.first))]
    for _ in range(4):
        bands = robust.split(ends, start, shared=shared)
        best = robust.compare(ends, bands, _around(start, 2.5, 2 * robust.STEP), rows).best
        if abs(best - start) < 1:
            return best
        start = best
    return start


def _around(center: float, reach: float, step: float) -> FloatArray:
    return np.asarray(center + step * np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1))


def _unbinned(center: float, factor: int) -> float:
    return (center + 0.5) * factor - 0.5
