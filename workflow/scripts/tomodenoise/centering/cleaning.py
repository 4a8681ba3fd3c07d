"""Cleaning of views before matching: finite values, no spikes, no dead or noisy columns, no empty rows."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tomodenoise.centering.stating import PARTS
from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

SPIKE = 6.0  # standard deviations of the noise
STILL = 0.01  # of the neighbours' noise variance: a column below it does not respond
NOISY = 30.0  # times the neighbours' noise variance: a column above it is useless
NEIGHBOURS = 31  # columns with which a column is compared
MOVING = 0.02  # of the strongest row's signal: a row below it holds no sample
SURE = 4.0  # standard errors above which a signal is significant
FEW = 8  # views: with fewer, the signal cannot be measured


@dataclass(frozen=True)
class Views:
    """Cleaned views of the rows that hold sample."""

    values: FloatArray  # (row, view, column) float32, line integrals
    noise: FloatArray  # (row, column) float32, variance of a single view
    place: IntArray  # (angle,) position in `values` of each view of the scan
    rows: IntArray  # (row,) indices of these rows in the sinograms

    @property
    def groups(self) -> list[IntArray]:
        """Groups of neighbouring rows that are evaluated together, as positions in `values`."""
        return np.array_split(np.arange(len(self.values)), min(PARTS, len(self.values)))

    def at(self, views: IntArray) -> FloatArray:
        """Return some views of all rows, (row, view, column)."""
        return self.values[:, self.place[views]]


def clean(sinograms: FloatArray, angles: FloatArray, wanted: IntArray) -> Views:
    """Clean some views of each row, and drop the rows in which nothing rotates.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals; may hold NaN and infinity.
    angles : (angle,) radians.
    wanted : indices of the views, ascending.
    """
    rank = np.argsort(np.mod(angles, 2 * np.pi), kind="stable")
    neighbours = np.pad(rank, 1, mode="reflect")
    before, after = np.empty((2, len(angles)), np.intp)
    before[rank] = neighbours[:-2]
    after[rank] = neighbours[2:]
    cleaned = [_clean(row, wanted, before[wanted], after[wanted]) for row in sinograms]
    values, noise, signal = map(np.array, zip(*cleaned, strict=True))
    rows = np.flatnonzero((signal > 0) & (signal >= MOVING * signal.max()))
    if not len(rows):  # too much noise or too large steps to distinguish sample from air
        rows = np.flatnonzero(np.ptp(values, axis=(1, 2)) > 0)
    place = np.zeros(len(angles), np.intp)
    place[wanted] = np.arange(len(wanted))
    return Views(values[rows], noise[rows], place, rows)


def _clean(
    row: FloatArray, wanted: IntArray, before: IntArray, after: IntArray
) -> tuple[FloatArray, FloatArray, float]:
    """Clean some views of a row; return them (view, column), their noise variance (column,), and their signal."""
    views, earlier, later = (np.nan_to_num(row[at], posinf=0, neginf=0) for at in (wanted, before, after))
    noise = _noise(views, earlier, later)
    limit = SPIKE * np.sqrt(ndimage.median_filter(noise, NEIGHBOURS, mode="nearest"))
    left = np.roll(views, 3, axis=1)
    right = np.roll(views, -3, axis=1)
    spikes = _beyond(views, earlier, later, limit) & _beyond(views, left, right, limit)
    views = np.where(spikes, (earlier + later) / 2, views)
    blind = _blind(views, noise)
    if blind.any() and not blind.all():
        views = _fill(views, blind)
        # Interpolated values are off by as much as the sample varies.
        noise = np.where(blind, views[:, ~blind].var(axis=0).max(), noise)
    return views.astype(np.float32), noise.astype(np.float32), _turning(views, later)


def _noise(views: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Estimate the noise variance (column,) from second differences over angles or columns, whichever are smaller."""
    centered = views - views.mean(axis=0)
    over_columns = centered - (np.roll(centered, 1, axis=1) + np.roll(centered, -1, axis=1)) / 2
    over_angles = views - (before + after) / 2
    # Transposed, as a median is found faster in consecutive values.
    absolute = [np.abs(difference).T.copy() for difference in (over_angles, over_columns)]
    deviations = [np.median(columns, axis=1, overwrite_input=True) for columns in absolute]
    return np.asarray((1.4826 * min(deviations, key=np.mean)) ** 2 / 1.5)  # of the difference: 1 + 1/4 + 1/4


def _beyond(views: FloatArray, a: FloatArray, b: FloatArray, limit: FloatArray) -> BoolArray:
    """Return where values are outside of the range of two neighbours by more than `limit`."""
    return (views < np.minimum(a, b) - limit) | (views > np.maximum(a, b) + limit)


def _blind(views: FloatArray, noise: FloatArray) -> BoolArray:
    """Return the mask (column,) of useless columns: they vary less than the noise of others, or are noise alone."""
    usual = ndimage.median_filter(noise, max(NEIGHBOURS, len(noise) // 4) | 1, mode="nearest")
    blind = (views.var(axis=0) < STILL * usual) | (noise > NOISY * usual + 1e-12)
    return np.asarray(ndimage.binary_dilation(blind))  # their neighbours are half affected


def _fill(views: FloatArray, blind: BoolArray) -> FloatArray:
    """Interpolate blind columns linearly from the nearest other ones."""
    seeing = np.flatnonzero(~blind)
    columns = np.flatnonzero(blind)
    right = np.minimum(np.searchsorted(seeing, columns), len(seeing) - 1)
    left = np.maximum(right - 1, 0)
    gap = np.maximum(seeing[right] - seeing[left], 1)
    weight = np.clip((columns - seeing[left]) / gap, 0, 1)
    filled = views.copy()
    smooth = ndimage.uniform_filter1d(views[:, seeing], 5, axis=1)  # a single column would smear out its noise
    filled[:, columns] = (1 - weight) * smooth[:, left] + weight * smooth[:, right]
    return filled


def _turning(views: FloatArray, after: FloatArray) -> float:
    """Return the mean product of views with the next ones, whose noise is independent; 0 if it is not significant."""
    if len(views) < FEW:
        return float("inf") if np.ptp(views) > 0 else 0.0  # too few to decide
    # The mean over the views, which is subtracted, holds all stationary structures.
    first, second = (ndimage.uniform_filter1d(side - side.mean(axis=0), 5, axis=1) for side in (views, after))
    centered = [side - side.mean(axis=1, keepdims=True) for side in (first, second)]
    products = (centered[0] * centered[1]).mean(axis=1)
    error = np.std(products) / np.sqrt(len(products))
    return float(np.mean(products)) if np.mean(products) > SURE * error else 0.0
