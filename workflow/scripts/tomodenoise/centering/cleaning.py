"""Views made ready for matching: finite, without spikes, and without columns that say nothing of the sample."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tomodenoise.centering.stating import PARTS
from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

SPIKE = 6.0  # standard deviations of the noise
STILL = 0.01  # of the neighbours' noise variance: a column below it does not respond
NOISY = 30.0  # times the neighbours' noise variance: a column above it is blind
NEIGHBOURS = 31  # columns that one is compared with
MOVING = 0.02  # of the strongest row's signal: a row below it holds no sample
SURE = 4.0  # standard errors, of a signal that is there
FEW = 8  # views, too few to tell


@dataclass(frozen=True)
class Views:
    """Some views of the rows that hold sample."""

    values: FloatArray
    """(row, view, column) float32, line integrals."""
    noise: FloatArray
    """(row, column) float32, variance of a single view."""
    place: IntArray
    """(angle,) where a view of the scan is in `values`."""
    rows: IntArray
    """(row,) which rows of the sinograms these are."""

    @property
    def groups(self) -> list[IntArray]:
        """Neighbouring rows that are looked at together, as places in `values`."""
        return np.array_split(np.arange(len(self.values)), min(PARTS, len(self.values)))

    def at(self, views: IntArray) -> FloatArray:
        """Give some views of all rows, (row, view, column)."""
        return self.values[:, self.place[views]]


def clean(sinograms: FloatArray, angles: FloatArray, wanted: IntArray) -> Views:
    """Clean some views of each row, and leave out the rows in which nothing turns.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals; may hold NaN and infinity.
    angles : (angle,) radians.
    wanted : ascending indices of views.
    """
    rank = np.argsort(np.mod(angles, 2 * np.pi), kind="stable")
    before = np.empty(len(angles), np.intp)
    after = np.empty(len(angles), np.intp)
    before[rank[1:]], before[rank[0]] = rank[:-1], rank[min(1, len(rank) - 1)]
    after[rank[:-1]], after[rank[-1]] = rank[1:], rank[max(0, len(rank) - 2)]
    cleaned = [_clean(row, wanted, before[wanted], after[wanted]) for row in sinograms]
    values = np.stack([row for row, _, _ in cleaned])
    noise = np.stack([row for _, row, _ in cleaned])
    signal = np.array([row for _, _, row in cleaned])
    rows = np.flatnonzero((signal > 0) & (signal >= MOVING * signal.max()))
    if not len(rows):  # too much noise, or too large steps, to tell rows with sample from air
        rows = np.flatnonzero(np.ptp(values, axis=(1, 2)) > 0)
    place = np.zeros(len(angles), np.intp)
    place[wanted] = np.arange(len(wanted))
    return Views(values[rows], noise[rows], place, rows)


def _clean(
    row: FloatArray, wanted: IntArray, before: IntArray, after: IntArray
) -> tuple[FloatArray, FloatArray, float]:
    """Clean some views of a row (angle, column), given which lie at the angles before and after.

    Returns
    -------
    The views (view, column), the variance (column,) of their noise, and the signal of what turns.
    """
    views, earlier, later = (np.nan_to_num(row[at], posinf=0, neginf=0) for at in (wanted, before, after))
    noise = _noise(views, earlier, later)
    limit = SPIKE * np.sqrt(ndimage.median_filter(noise, NEIGHBOURS, mode="nearest"))
    beyond = _beyond(views, earlier, later, limit)
    left, right = np.roll(views, 3, axis=1), np.roll(views, -3, axis=1)
    spikes = beyond & _beyond(views, left, right, limit)
    views = np.where(spikes, (earlier + later) / 2, views)
    blind = _blind(views, noise)
    if blind.any() and not blind.all():
        views = _fill(views, blind)
        # What was filled in is wrong by as much as the sample varies.
        noise = np.where(blind, views[:, ~blind].var(axis=0).max(), noise)
    return views.astype(np.float32), noise.astype(np.float32), _turning(views, later)


def _noise(views: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Estimate the variance (column,) of a view from second differences.

    Over angles or over columns, whichever shows less of the sample.
    """
    turning = views - views.mean(axis=0)
    across = turning - (np.roll(turning, 1, axis=1) + np.roll(turning, -1, axis=1)) / 2
    ways = [np.median(np.abs(change), axis=0) for change in (views - (before + after) / 2, across)]
    return np.asarray((1.4826 * min(ways, key=np.mean)) ** 2 / 1.5)  # of the difference: 1 + 1/4 + 1/4


def _beyond(views: FloatArray, one: FloatArray, other: FloatArray, limit: FloatArray) -> BoolArray:
    """Tell where values lie outside of the range of two neighbours by more than `limit`."""
    return (views < np.minimum(one, other) - limit) | (views > np.maximum(one, other) + limit)


def _blind(views: FloatArray, noise: FloatArray) -> BoolArray:
    """Tell which columns do not respond: they vary less than others' noise, or are noise alone.

    Parameters
    ----------
    views : (view, column).
    noise : (column,) variance.
    """
    usual = ndimage.median_filter(noise, max(NEIGHBOURS, len(noise) // 4) | 1, mode="nearest")
    blind = (views.var(axis=0) < STILL * usual) | (noise > NOISY * usual + 1e-12)
    return np.asarray(ndimage.binary_dilation(blind))  # their neighbours see half of it


def _fill(views: FloatArray, blind: BoolArray) -> FloatArray:
    """Interpolate columns linearly from the nearest ones that are not blind."""
    seeing = np.flatnonzero(~blind)
    columns = np.flatnonzero(blind)
    right = np.minimum(np.searchsorted(seeing, columns), len(seeing) - 1)
    left = np.maximum(right - 1, 0)
    gap = np.maximum(seeing[right] - seeing[left], 1)
    weight = np.clip((columns - seeing[left]) / gap, 0, 1)
    filled = views.copy()
    calm = ndimage.uniform_filter1d(views[:, seeing], 5, axis=1)  # noise of a single column would be smeared out
    filled[:, columns] = (1 - weight) * calm[:, left] + weight * calm[:, right]
    return filled


def _turning(views: FloatArray, after: FloatArray) -> float:
    """Measure the signal of what turns in a row: mean product of neighbouring views, whose noise is independent.

    Parameters
    ----------
    views, after : (view, column), and the views at the angles after; a few columns are averaged, the mean over the
        views is off, and with it all that stands still.

    Returns
    -------
    The signal, 0 where it may be noise; of few views infinity, as nothing can be said.
    """
    if len(views) < FEW:
        return float("inf") if np.ptp(views) > 0 else 0.0
    one, other = (ndimage.uniform_filter1d(side - side.mean(axis=0), 5, axis=1) for side in (views, after))
    products = [np.mean((a - a.mean()) * (b - b.mean())) for a, b in zip(one, other, strict=True)]
    error = np.std(products) / np.sqrt(len(products))
    return float(np.mean(products)) if np.mean(products) > SURE * error else 0.0
