"""Angles around the circle: opposite views."""

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray

MOST_PAIRS = 256  # each holds noise of its own: with few counts all of them help


def opposite(angles: FloatArray) -> IntArray:
    """Pair each view with the one nearest to 180 degrees away, where that is within two mean angular steps.

    Returns
    -------
    (pair, 2) indices into `angles`, at most 256 pairs, evenly spread, no two of the same views; of equally near views
    the nearest in time, for a dynamic sample changes.
    """
    step, _ = _step_and_gap(angles)
    time = 1e-3 * step * np.arange(len(angles)) / len(angles)
    # Half a step either way would be a tie: always the same way, the errors of turned views cancel over the circle.
    nearest = [
        int(np.argmin(np.abs(_wrap(angles - angle - np.pi - 0.01 * step)) + np.abs(time - time[view])))
        for view, angle in enumerate(angles)
    ]
    pairs = np.stack([np.arange(len(angles)), nearest], axis=1)
    pairs = pairs[np.abs(past_opposite(angles, pairs)) <= 2 * step + 1e-6]
    # The same two views the other way round say nothing new, and would make the scatter over pairs too small.
    _, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    pairs = pairs[np.sort(first)]
    return pairs[_evenly(len(pairs), MOST_PAIRS)]


def closes(angles: FloatArray) -> bool:
    """Tell whether the views go all around the sample, with no gap of 90 degrees or more."""
    return _step_and_gap(angles)[1] < np.pi / 2


def past_opposite(angles: FloatArray, pairs: IntArray) -> FloatArray:
    """Angle (radians) by which the second view of each pair is past the opposite of the first."""
    return _wrap(angles[pairs[:, 1]] - angles[pairs[:, 0]] - np.pi)


def _wrap(angles: FloatArray) -> FloatArray:
    return np.asarray(np.mod(angles + np.pi, 2 * np.pi) - np.pi)


def _step_and_gap(angles: FloatArray) -> tuple[float, float]:
    """Mean angular step of the part of the circle that the views cover, and the largest gap."""
    turn = np.unique(np.round(np.mod(angles, 2 * np.pi), 6))
    gap = float(np.diff(turn, append=turn[0] + 2 * np.pi).max())
    return (2 * np.pi - gap) / max(1, len(turn) - 1), gap


def _evenly(count: int, most: int) -> IntArray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp)) if count else np.arange(0)
