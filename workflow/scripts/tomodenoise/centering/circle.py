"""Pairs of opposite views on the circle of angles."""

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray

MOST_PAIRS = 256  # each has independent noise, so with few counts every pair helps


def opposite(angles: FloatArray) -> IntArray:
    """Pair each view with the view closest to 180 degrees away, if that is within two mean angular steps.

    Parameters
    ----------
    angles : (angle,) radians, in acquisition order.

    Returns
    -------
    (pair, 2) indices into `angles`: at most 256 different pairs, evenly spread. Of equally close views the nearest in
    time is taken, as a dynamic sample changes.
    """
    step, _ = _step_and_gap(angles)
    time = 1e-3 * step * np.arange(len(angles)) / len(angles)
    # Ties of half a step are always resolved in the same direction, so that the errors cancel over the circle.
    nearest = [
        int(np.argmin(np.abs(_wrap(angles - angle - np.pi - 0.01 * step)) + np.abs(time - time[view])))
        for view, angle in enumerate(angles)
    ]
    pairs = np.stack([np.arange(len(angles)), nearest], axis=1)
    pairs = pairs[np.abs(past_opposite(angles, pairs)) <= 2 * step + 1e-6]
    # The same pair in reverse order adds no information, and would make the scatter over pairs too small.
    _, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    pairs = pairs[np.sort(first)]
    chosen = np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_PAIRS)).round().astype(np.intp)
    return pairs[np.unique(chosen)]


def closes(angles: FloatArray) -> bool:
    """Return whether the views cover the whole circle, without a gap of 90 degrees or more."""
    return _step_and_gap(angles)[1] < np.pi / 2


def past_opposite(angles: FloatArray, pairs: IntArray) -> FloatArray:
    """Return the angle, (pair,) radians, by which the second view of each pair is past the opposite of the first."""
    return _wrap(angles[pairs[:, 1]] - angles[pairs[:, 0]] - np.pi)


def _wrap(angles: FloatArray) -> FloatArray:
    return np.asarray(np.mod(angles + np.pi, 2 * np.pi) - np.pi)


def _step_and_gap(angles: FloatArray) -> tuple[float, float]:
    """Return the mean angular step outside of the largest gap, and that gap, both in radians."""
    turn = np.unique(np.round(np.mod(angles, 2 * np.pi), 6))
    gap = float(np.diff(turn, append=turn[0] + 2 * np.pi).max())
    return (2 * np.pi - gap) / max(1, len(turn) - 1), gap
