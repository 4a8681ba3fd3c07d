"""Detection of outlier frames from the means of some tiles of each frame: arrays in, masks out."""

from collections.abc import Sequence

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

CLOSED = 0.5  # fraction of the level of bright flats below which a flat was taken with the shutter closed or moving
STEP = 0.05  # relative step between neighbours in the sorted levels of flats that separates two sets
PATTERN = 0.02  # mean relative deviation of a flat's tiles; noise, flicker and beam drift stay below it
# Fractions of the beam: a dark that exceeds its own group by the first, or all darks by the second, holds light
LEAK, LIT = 0.01, 0.2
SCATTER = 6.0  # multiple of the median deviation beyond which a frame is an outlier
# Share of a group: a smaller set of similar frames is faulty; a larger one may be all flats before or after a scan
FEW = 1 / 3
SMALL = 3  # groups of fewer frames are examined together
UNLIT = 0.01  # fraction of the median level of projections below which one is without light
SATURATED = 0.02  # excess share of saturated pixels that makes a projection faulty
DIP = 0.7  # level relative to the neighbours below which, or above whose inverse, a projection is a dip
NEAR = 15  # projections on each side that a projection is compared with
MANY = 0.1  # least share of dips at which they are due to the sample


def good_flats(tiles: FloatArray, group: IntArray) -> BoolArray:
    """Find the flats that agree with the others, in level and in pattern.

    Parameters
    ----------
    tiles : (flat, tile) means, dark subtracted.
    group : (flat,) number of the group of consecutive flats.

    Returns
    -------
    (flat,) mask. A drifting beam, or one that is brighter before the scan than after it, is no fault.
    """
    level = _level(tiles)
    lit = level > CLOSED * np.nanquantile(level, 0.8, method="higher")
    good = np.zeros(len(tiles), dtype=bool)
    for members in _groups(group):
        lit_members = members[lit[members]]
        if len(lit_members):
            good[lit_members[_alike(tiles[lit_members])]] = True
    return good


def good_darks(tiles: FloatArray, group: IntArray, beam: float) -> BoolArray:
    """Find the darks without light; parameters as for `good_flats`, and the beam in the same units."""
    good = _leak(tiles) < LIT * beam
    for members in _groups(group):
        leak = _leak(tiles[members])
        good[members] &= leak <= max(LEAK * beam, SCATTER * float(np.nanmedian(leak)))
    return np.asarray(good)


def unlit(tiles: FloatArray) -> BoolArray:
    """Find projections without light, (projection,): far darker than usual, constant, or not finite."""
    level = _level(tiles)
    return np.asarray(~(level > UNLIT * np.nanmedian(level)) | blank(tiles))


def blank(tiles: FloatArray) -> BoolArray:
    """Find projections that are constant or hold no finite value; none if most are, as in noise-free air."""
    same = ~(np.fmax.reduce(tiles, axis=1) > np.fmin.reduce(tiles, axis=1))
    return np.asarray(same if same.mean() < 0.5 else np.zeros(len(tiles), dtype=bool))


def saturated(share: FloatArray) -> BoolArray:
    """Find projections with far more saturated pixels than usual, as from a failed detector module."""
    return np.asarray(share > float(np.median(share)) + SATURATED)


def dips(tiles: FloatArray, used: BoolArray) -> IntArray:
    """Find projections that have light but are much darker or brighter than those before and after."""
    numbers = np.flatnonzero(used)
    if not len(numbers):
        return numbers
    level = _level(tiles[numbers])
    wide = np.pad(level, NEAR, mode="reflect") if len(level) > NEAR else np.pad(level, NEAR, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(wide, 2 * NEAR + 1), axis=1)
    off = (level < DIP * usual) | (level > usual / DIP)
    return numbers[off] if off.mean() < MANY else numbers[:0]


def spread(tiles: FloatArray) -> float:
    """Return the range of the frames' levels, relative to their mean."""
    level = _level(tiles)
    return float(np.ptp(level) / abs(level.mean()))


def _alike(tiles: FloatArray) -> BoolArray:
    """Mark the flats of a group whose pattern agrees with most of them and whose level with many."""
    usual = np.nanmedian(tiles, axis=0)
    seen = usual > 0.05 * np.nanmax(usual)
    ratio = tiles[:, seen] / usual[seen]
    scale = np.nanmedian(ratio, axis=1)
    deviation = _level(np.abs(ratio / scale[:, None] - 1))
    bound = max(PATTERN, SCATTER * float(np.nanmedian(deviation)))
    alike = deviation <= bound
    if FEW <= 1 - alike.mean() <= 0.5:
        alike[:] = np.isfinite(deviation)  # as before and after a scan: it is unclear which are right
    return np.asarray(alike & _in_large_set(scale))


def _in_large_set(scale: FloatArray) -> BoolArray:
    order = np.argsort(scale)
    gap = max(STEP, 3 * float(np.median(np.abs(scale - np.median(scale)))))
    sets = np.split(order, np.flatnonzero(np.diff(scale[order]) > gap) + 1)
    largest = max(map(len, sets))
    good = np.zeros(len(scale), dtype=bool)
    for members in sets:
        good[members] = len(members) == largest or len(members) >= FEW * len(scale)
    return good


def _level(tiles: FloatArray) -> FloatArray:
    """Return the mean of the finite tiles of each frame, NaN where most are not finite."""
    finite = np.isfinite(tiles)
    mean = np.where(finite, tiles, 0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    return np.where(2 * finite.sum(axis=1) > tiles.shape[1], mean, np.nan)


def _leak(tiles: FloatArray) -> FloatArray:
    """Return the level of each dark above the lowest ones."""
    return _level(np.abs(tiles - np.nanquantile(tiles, 0.2, axis=0, method="lower")))


def _groups(group: IntArray) -> Sequence[IntArray]:
    """Return the positions of the members of each group; small groups are joined."""
    sizes = np.bincount(group)
    small = np.flatnonzero(sizes[group] < SMALL)
    large = [np.flatnonzero(group == number) for number in np.flatnonzero(sizes >= SMALL)]
    return [*large, small] if len(small) else large
