"""The directions of a scan's views on the circle: how they repeat, where they are missing, how they are dealt evenly.

Parallel beams repeat after 180 degrees. A view and its opposite are mirror images, but they see the same only as far as
the detector reaches to both sides of the axis, so a scan of 360 degrees is looked at on the whole circle.
"""

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

WEDGE = 6
"""Views are missing in a gap that is wider than this many usual gaps around it."""

AROUND = 12
"""Gaps to each side that say what is usual: a scan may be denser in one range of angles than in another."""

SAME_DIRECTION = 0.05
"""Views closer than this share of the usual gap are of one direction."""

HALF, FULL = np.pi, 2 * np.pi


def is_full_turn(angles: FloatArray) -> bool:
    """Tell whether the views go all around the sample.

    True where no gap on the circle exceeds 90 degrees and what is missing is at most 45 degrees together.
    """
    gaps, missing = covered_gaps(np.sort(_folded(angles, FULL)), FULL)
    return bool((gaps + missing).max() <= FULL / 4 + 1e-9 and missing.sum() <= FULL / 8 + 1e-9)


def interleave(angles: FloatArray, sections: int) -> tuple[IntArray, ...]:
    """Deal projections to sections in the order of their angle.

    Parameters
    ----------
    angles : (n,) float64, radians, in acquisition order; any range, any order.
    sections : number of sections, 1 <= sections <= n.

    Returns
    -------
    One ascending index array per section; disjoint, together all of ``range(n)``, sizes equal to within one (two for a
    full turn).

    Notes
    -----
    The order is by angle modulo 180 degrees [Hendriksen 2021, section 2]. In that order a full turn's views come from
    its two halves by turns, and an even number of sections would have views from one side only. So each half is dealt
    by itself, the second one half a round later: a section then sees the sample evenly from all around, for half
    acquisition, and no direction from both sides before it has seen its neighbours from one.
    """
    order = np.argsort(_folded(angles, FULL), kind="stable")
    middle = int(np.searchsorted(_folded(angles, FULL)[order], HALF))
    if not is_full_turn(angles) or min(middle, len(angles) - middle) < sections:
        return _deal(np.argsort(_folded(angles, HALF), kind="stable"), sections)
    first, second = _deal(order[:middle], sections), _deal(order[middle:], sections)
    later = [second[(number - sections // 2) % sections] for number in range(sections)]
    return tuple(np.sort(np.concatenate(both)) for both in zip(first, later, strict=True))


def angular_weights(angles: FloatArray) -> tuple[FloatArray, float]:
    """Angle that each projection stands for: half of the gaps to its neighbours on the half-turn.

    Parameters
    ----------
    angles : (n,) radians, any range, any order.

    Returns
    -------
    (n,) float64 weights in radians, and how much of the half-turn no view covers, in radians; together they are pi.

    Notes
    -----
    Views of the same direction share one weight equally, so neither the two ends of a closed half-turn nor a further
    turn count twice. For a full turn it is a quarter of the gaps on the whole circle, so that both sides count alike;
    a view whose opposite is missing counts twice. A view at the rim of a gap gets a usual weight: it shows nothing of
    the directions in the gap, and the gap's weight would make it a streak.
    """
    turn = FULL if is_full_turn(angles) else HALF
    order = np.argsort(_folded(angles, turn), kind="stable")
    places = _folded(angles, turn)[order]
    gaps, missing = covered_gaps(places, turn)
    first = int(np.argmax(gaps)) + 1  # begin behind a gap, so that no direction is cut at the seam
    order, after = np.roll(order, -first), np.roll(gaps, -first)
    is_new = np.r_[True, after[:-1] > SAME_DIRECTION * usual(after)]
    direction = np.cumsum(is_new) - 1
    to_next = np.bincount(direction, after)
    weights = np.empty(len(angles))
    weights[order] = ((to_next + np.roll(to_next, 1)) / 2 / np.bincount(direction))[direction]
    if turn == HALF:
        return weights, float(missing.sum())
    weights[_in_gap(_folded(angles + HALF, FULL), places, gaps, missing)] *= 2
    return weights * HALF / turn, float(covered_gaps(np.sort(half_turn(angles)), HALF)[1].sum())


def covered_gaps(directions: FloatArray, turn: float) -> tuple[FloatArray, FloatArray]:
    """Gaps between neighbouring directions, and how much of each is missing from the scan.

    Parameters
    ----------
    directions : (n,) ascending, radians, in [0, turn).
    turn : the angle after which they repeat, `HALF` or `FULL`.

    Returns
    -------
    (n,) the gap after each direction without what is missing, and (n,) what is missing in it, both in radians; together
    they are the turn. Views are missing in a gap that is wider than six of the usual gaps to either side of it, such
    as the wedge of a tilt series or lost frames; one usual gap then remains, and the rest is missing.
    """
    gaps = np.diff(directions, append=directions[0] + turn)
    missing = np.zeros(len(gaps))
    apart = np.flatnonzero(gaps > SAME_DIRECTION * _finest(gaps))
    steps = gaps[apart]
    reach = min(AROUND, len(steps) - 1)
    for place in np.flatnonzero(steps > WEDGE * _finest(steps)) if reach else ():
        near = (place + np.r_[-reach:0, 1 : reach + 1]) % len(steps)
        typical = max(usual(_without_widest(steps[side]), 0.5) for side in np.split(near, 2))
        if steps[place] > WEDGE * typical:
            missing[apart[place]] = steps[place] - typical
    return gaps - missing, missing


def missing_ranges(angles: FloatArray) -> tuple[tuple[float, float], ...]:
    """Ranges of angles (from, to), radians, in which the scan has no views; as wide as `covered_gaps` says.

    They begin within the first turn of the scan: a half-turn, or the whole circle for a full turn.
    """
    turn, start = FULL if is_full_turn(angles) else HALF, float(angles.min())
    places = np.sort(_folded(angles - start, turn))
    gaps, missing = covered_gaps(places, turn)
    return tuple(
        (float(start + places[at]), float(start + places[at] + gaps[at] + missing[at]))
        for at in np.flatnonzero(missing)
    )


def half_turn(angles: FloatArray) -> FloatArray:
    """Directions of parallel beams, in [0, pi)."""
    return _folded(angles, HALF)


def usual(gaps: FloatArray, share: float = 0.25) -> float:
    """Give the gap that a quarter of the circle, or another share, does not exceed: blind to coinciding views."""
    ascending = np.sort(gaps)
    return float(ascending[np.searchsorted(np.cumsum(ascending), share * gaps.sum())])


def _finest(gaps: FloatArray) -> float:
    """Usual gap where views are dense."""
    return usual(_without_widest(gaps), 0.1)


def _without_widest(gaps: FloatArray) -> FloatArray:
    return np.delete(gaps, np.argmax(gaps)) if len(gaps) > 1 else gaps


def _in_gap(angles: FloatArray, directions: FloatArray, gaps: FloatArray, missing: FloatArray) -> BoolArray:
    """Tell which angles (m,) in [0, 2 pi) lie in gaps after ascending directions (n,) on the circle."""
    at = np.searchsorted(directions, angles, side="right") - 1
    behind = np.mod(angles - directions[at], FULL) - gaps[at] / 2
    return np.asarray((behind > 0) & (behind < missing[at]))


def _deal(order: IntArray, sections: int) -> tuple[IntArray, ...]:
    """Deal views that are sorted by their angle.

    The turn is a circle: where the number of views is no multiple of ``sections`` the extra ones are spread over it, as
    all of them together at the seam would leave a gap of nearly twice the mean.
    """
    rounds, extra = divmod(len(order), sections)
    middles = [
        (2 * j + 1) * rounds // (2 * extra) * sections + (j + (sections + 1) // 2) % sections for j in range(extra)
    ]
    section = np.insert(np.tile(np.arange(sections), rounds), np.asarray(middles, dtype=int), np.arange(extra))
    return tuple(np.sort(order[section == number]) for number in range(sections))


def _folded(angles: FloatArray, turn: float) -> FloatArray:
    """Angles modulo the turn; those within rounding of it become 0, as they are the same direction."""
    folded = np.mod(angles, turn)
    return np.where(turn - folded < 1e-9, 0.0, folded)
