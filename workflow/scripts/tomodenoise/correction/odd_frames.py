"""Which frames stand apart from the others, by the means of some tiles of each: arrays in, masks out."""

from collections.abc import Sequence

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

CLOSED = 0.5
"""Of the level of bright flats: a darker one was taken before the shutter was open, or as it closed."""

STEP = 0.05
"""Of the level: sorted levels that differ by more from one flat to the next belong to different sets."""

PATTERN = 0.02
"""Relative deviation of a flat's tiles, on average, that noise, flicker and drift of a beam stay below."""

LEAK, LIT = 0.01, 0.2
"""Of the beam: darks that differ by the first from their own group, or by the second from any, hold light."""

SCATTER = 6.0
"""Deviations, in units of the usual one, beyond which a frame stands apart."""

FEW = 1 / 3
"""Of a group: fewer frames that agree with each other alone are faulty; more may be those before and after a scan."""

SMALL = 3
"""Groups of fewer frames are looked at together."""

UNLIT = 0.01
"""Of the usual level of projections."""

SATURATED = 0.02
"""Of the pixels of a frame."""

DIP = 0.7
NEAR = 15
"""Projections on each side that one is compared with."""

MANY = 0.1
"""Share of dips from which on they are the sample's own."""


def good_flats(tiles: FloatArray, group: IntArray) -> BoolArray:
    """Find the flats that agree with the others, in level and in pattern.

    Parameters
    ----------
    tiles : (flat, tile) means, dark subtracted.
    group : (flat,) number of the group, of flats taken one after the other.

    Returns
    -------
    (flat,). A beam that drifts, or that was brighter before the scan than after it, is no fault.
    """
    level = _level(tiles)
    lit = level > CLOSED * np.nanquantile(level, 0.8, method="higher")
    good = np.zeros(len(tiles), dtype=bool)
    for members in _groups(group):
        some = members[lit[members]]
        if len(some):
            good[some[_alike(tiles[some])]] = True
    return good


def good_darks(tiles: FloatArray, group: IntArray, beam: float) -> BoolArray:
    """Find the darks without light; arguments as for `good_flats`, and the beam in the same units."""
    good = _leak(tiles, np.nanquantile(tiles, 0.2, axis=0, method="lower")) < LIT * beam
    for members in _groups(group):
        leak = _leak(tiles[members], np.nanquantile(tiles[members], 0.2, axis=0, method="lower"))
        good[members] &= leak <= max(LEAK * beam, SCATTER * float(np.nanmedian(leak)))
    return np.asarray(good)


def unlit(tiles: FloatArray) -> BoolArray:
    """Find projections without light, (projection,): dark next to the usual one, of one value, or not finite."""
    level = _level(tiles)
    return np.asarray(~(level > UNLIT * np.nanmedian(level)) | blank(tiles))


def blank(tiles: FloatArray) -> BoolArray:
    """Find projections that hold one value everywhere, or none; not where most do, as in air without noise."""
    same = ~(np.fmax.reduce(tiles, axis=1) > np.fmin.reduce(tiles, axis=1))
    return np.asarray(same if same.mean() < 0.5 else np.zeros(len(tiles), dtype=bool))


def saturated(share: FloatArray) -> BoolArray:
    """Find projections with far more saturated pixels than usual, as of a detector module that failed."""
    return np.asarray(share > float(np.median(share)) + SATURATED)


def dips(tiles: FloatArray, used: BoolArray) -> IntArray:
    """Find projections that are much darker or brighter than those before and after, though not without light."""
    numbers = np.flatnonzero(used)
    if not len(numbers):
        return numbers
    level = _level(tiles[numbers])
    wide = np.pad(level, NEAR, mode="reflect") if len(level) > NEAR else np.pad(level, NEAR, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(wide, 2 * NEAR + 1), axis=1)
    off = (level < DIP * usual) | (level > usual / DIP)
    return numbers[off] if off.mean() < MANY else numbers[:0]


def spread(tiles: FloatArray) -> float:
    """Range of the frames' levels, relative to their mean."""
    level = _level(tiles)
    return float(np.ptp(level) / abs(level.mean()))


def _alike(tiles: FloatArray) -> BoolArray:
    """Mark the flats of a group whose pattern is that of most, and whose level is that of many."""
    usual = np.nanmedian(tiles, axis=0)
    seen = usual > 0.05 * np.nanmax(usual)
    ratio = tiles[:, seen] / usual[seen]
    scale = np.nanmedian(ratio, axis=1)
    deviation = _level(np.abs(ratio / scale[:, None] - 1))
    bound = max(PATTERN, SCATTER * float(np.nanmedian(deviation)))
    alike = deviation <= bound
    if FEW <= 1 - alike.mean() <= 0.5:
        alike[:] = np.isfinite(deviation)  # before and after: nobody can tell which are right
    return np.asarray(alike & _in_large_set(scale))


def _in_large_set(scale: FloatArray) -> BoolArray:
    order = np.argsort(scale)
    gap = max(STEP, 3 * float(np.median(np.abs(scale - np.median(scale)))))
    sets = np.split(order, np.flatnonzero(np.diff(scale[order]) > gap) + 1)
    largest = max(map(len, sets))
    good = np.zeros(len(scale), dtype=bool)
    for members in sets:
        good[members] = len(members) in {largest} or len(members) >= FEW * len(scale)
    return good


def _level(tiles: FloatArray) -> FloatArray:
    """Mean of the tiles of each frame that hold a number, NaN where most hold none."""
    finite = np.isfinite(tiles)
    mean = np.where(finite, tiles, 0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    return np.where(2 * finite.sum(axis=1) > tiles.shape[1], mean, np.nan)


def _leak(tiles: FloatArray, dark: FloatArray) -> FloatArray:
    return _level(np.abs(tiles - dark))


def _groups(group: IntArray) -> Sequence[IntArray]:
    """Positions of the members of each group, those of small groups together."""
    sizes = np.bincount(group)
    small = np.flatnonzero(sizes[group] < SMALL)
    large = [np.flatnonzero(group == number) for number in np.flatnonzero(sizes >= SMALL)]
    return [*large, *([small] if len(small) else [])]
