"""Directions of the views on the circle: their period, their gaps, and their even distribution over sections.

Parallel beams repeat after 180 degrees. A view and its opposite are mirror images, but they cover the same rays only as
far as the detector extends to both sides of the axis, so a scan of 360 degrees is treated on the full circle.
"""

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

WEDGE = 6
"""Views are missing in a gap that is wider than this many of the typical gaps around it."""

AROUND = 12
"""Gaps on each side that define the typical gap, as a scan may be denser in some ranges of angles."""

SAME_DIRECTION = 0.05
"""Views closer than this fraction of the typical gap have the same direction."""

HALF, FULL = np.pi, 2 * np.pi


def is_full_turn(angles: FloatArray) -> bool:
    """Return whether the views (n,), radians, cover the full circle.

    They do if no gap exceeds 90 degrees and the missing ranges add up to at most 45 degrees.
    """
    gaps, missing = covered_gaps(np.sort(_folded(angles, FULL)), FULL)
    return bool((gaps + missing).max() <= FULL / 4 + 1e-9 and missing.sum() <= FULL / 8 + 1e-9)


def interleave(angles: FloatArray, sections: int) -> tuple[IntArray, ...]:
    """Assign projections to sections in turn, in the order of their angle.

    Parameters
    ----------
    angles : (n,) float64, radians, in acquisition order; any range, any order.
    sections : number of sections, 1 <= sections <= n.

    Returns
    -------
    One ascending int64 index array per section; they are disjoint and cover ``range(n)``; their sizes differ by at most
    one (two for a full turn).

    Notes
    -----
    The order is by angle modulo 180 degrees [Hendriksen 2021, section 2]. In this order the views of a full turn come
    alternately from its two halves, so with an even number of sections each would see the sample from one side only.
    Therefore the halves are assigned separately, the second one offset by half a cycle: each section then covers the
    full circle evenly, as half acquisition needs, without wasting views on opposite directions.
    """
    order = np.argsort(_folded(angles, FULL), kind="stable")
    middle = int(np.searchsorted(_folded(angles, FULL)[order], HALF))
    if not is_full_turn(angles) or min(middle, len(angles) - middle) < sections:
        return _distribute(np.argsort(_folded(angles, HALF), kind="stable"), sections)
    first = _distribute(order[:middle], sections)
    second = _distribute(order[middle:], sections)
    offset = [second[(number - sections // 2) % sections] for number in range(sections)]
    return tuple(np.sort(np.concatenate(halves)) for halves in zip(first, offset, strict=True))


def angular_weights(angles: FloatArray) -> tuple[FloatArray, float]:
    """Return the quadrature weight of each projection: half of the gaps to its neighbours on the half-turn.

    Parameters
    ----------
    angles : (n,) radians, any range, any order.

    Returns
    -------
    (n,) float64 weights in radians, and the part of the half-turn without views, in radians; together they sum to pi.

    Notes
    -----
    Views of the same direction share one weight equally, so neither the two ends of a closed half-turn nor a further
    turn count twice. For a full turn the weight is a quarter of the gaps on the full circle, so that both sides count
    equally; a view whose opposite is missing counts twice. A view at the edge of a missing range gets a typical weight:
    it has no information on the missing directions, and a larger weight would cause a streak.
    """
    turn = FULL if is_full_turn(angles) else HALF
    order = np.argsort(_folded(angles, turn), kind="stable")
    places = _folded(angles, turn)[order]
    gaps, missing = covered_gaps(places, turn)
    first = int(np.argmax(gaps)) + 1  # start after a gap, so that no direction is split at the ends
    order = np.roll(order, -first)
    after = np.roll(gaps, -first)
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
    """Return the gaps between neighbouring directions, and the part of each that is missing from the scan.

    Parameters
    ----------
    directions : (n,) radians, ascending, in [0, turn).
    turn : period of the directions, `HALF` or `FULL`.

    Returns
    -------
    (n,) gap after each direction without the missing part, and (n,) the missing part, both in radians; together they
    sum to the turn. Views are missing in a gap that is wider than six of the typical gaps on both sides of it, such
    as the wedge of a tilt series or lost frames; one typical gap then remains, and the rest is missing.
    """
    gaps = np.diff(directions, append=directions[0] + turn)
    missing = np.zeros(len(gaps))
    distinct = np.flatnonzero(gaps > SAME_DIRECTION * _finest(gaps))
    steps = gaps[distinct]
    reach = min(AROUND, len(steps) - 1)
    for place in np.flatnonzero(steps > WEDGE * _finest(steps)) if reach else ():
        near = (place + np.r_[-reach:0, 1 : reach + 1]) % len(steps)
        typical = max(usual(_without_widest(steps[side]), 0.5) for side in np.split(near, 2))
        if steps[place] > WEDGE * typical:
            missing[distinct[place]] = steps[place] - typical
    return gaps - missing, missing


def missing_ranges(angles: FloatArray) -> tuple[tuple[float, float], ...]:
    """Return the ranges of angles [from, to], radians, without views; see `covered_gaps`.

    They begin within the first period of the scan: a half-turn, or the circle for a full turn.
    """
    turn = FULL if is_full_turn(angles) else HALF
    start = float(angles.min())
    places = np.sort(_folded(angles - start, turn))
    gaps, missing = covered_gaps(places, turn)
    return tuple(
        (float(start + places[at]), float(start + places[at] + gaps[at] + missing[at]))
        for at in np.flatnonzero(missing)
    )


def half_turn(angles: FloatArray) -> FloatArray:
    """Return the directions of parallel beams at angles (n,), radians, in [0, pi)."""
    return _folded(angles, HALF)


def usual(gaps: FloatArray, share: float = 0.25) -> float:
    """Return the gap that a ``share`` of the circle does not exceed; coinciding views have no influence on it."""
    ascending = np.sort(gaps)
    return float(ascending[np.searchsorted(np.cumsum(ascending), share * gaps.sum())])


def _finest(gaps: FloatArray) -> float:
    """Return the typical gap where views are dense."""
    return usual(_without_widest(gaps), 0.1)


def _without_widest(gaps: FloatArray) -> FloatArray:
    return np.delete(gaps, np.argmax(gaps)) if len(gaps) > 1 else gaps


def _in_gap(angles: FloatArray, directions: FloatArray, gaps: FloatArray, missing: FloatArray) -> BoolArray:
    """Return which angles (m,) in [0, 2 pi) are in missing ranges, given ascending directions (n,) on the circle."""
    at = np.searchsorted(directions, angles, side="right") - 1
    behind = np.mod(angles - directions[at], FULL) - gaps[at] / 2
    return np.asarray((behind > 0) & (behind < missing[at]))


def _distribute(order: IntArray, sections: int) -> tuple[IntArray, ...]:
    """Assign views, sorted by their angle, to the sections in turn.

    If their number is not a multiple of ``sections``, the extra views are spread over the circle, as all of them at its
    end would leave a gap of nearly twice the mean.
    """
    rounds, extra = divmod(len(order), sections)
    middles = [
        (2 * j + 1) * rounds // (2 * extra) * sections + (j + (sections + 1) // 2) % sections for j in range(extra)
    ]
    section = np.insert(np.tile(np.arange(sections), rounds), np.asarray(middles, dtype=int), np.arange(extra))
    return tuple(np.sort(order[section == number]) for number in range(sections))


def _folded(angles: FloatArray, turn: float) -> FloatArray:
    """Return angles modulo the turn; a result that equals the turn up to rounding becomes 0, the same direction."""
    folded = np.mod(angles, turn)
    return np.where(turn - folded < 1e-9, 0.0, folded)
