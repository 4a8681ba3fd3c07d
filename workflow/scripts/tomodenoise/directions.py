"""The directions of a scan's views on the circle: how they repeat, what they leave out, how they are dealt out evenly.

Parallel beams repeat after 180 degrees. A view and its opposite are mirror images, but they see the same only as far as
the detector reaches to both sides of the axis, so a scan of 360 degrees is looked at on the whole circle.
"""

import math
from collections.abc import Sequence

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.errors import UserError

WEDGE = 6
"""A gap of more than so many usual ones is what a tilt series leaves out."""

GAP_LIMIT = 1.5
"""A section whose largest angular gap exceeds this multiple of its mean gap is refused."""

SAME_DIRECTION = 0.05
"""Views closer than this share of the usual gap are of one direction."""

HALF, FULL = np.pi, 2 * np.pi


def is_full_turn(angles: FloatArray) -> bool:
    """Tell whether the views go all around the sample: no gap on the circle is a wedge, or 90 degrees and more."""
    gaps, missing = covered_gaps(np.sort(_folded(angles, FULL)), FULL)
    return missing == 0 and bool(gaps.max() <= FULL / 4 + 1e-9)


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
    (n,) float64 weights in radians, and the missing wedge in radians. Views of the same direction share one
    weight equally, so neither the two ends of a closed half-turn nor a further turn count twice. For a full turn it is
    a quarter of the gaps on the whole circle, so that both sides count alike; its weights, too, sum to pi.
    """
    turn = FULL if is_full_turn(angles) else HALF
    order = np.argsort(_folded(angles, turn), kind="stable")
    after, wedge = covered_gaps(_folded(angles, turn)[order], turn)
    first = int(np.argmax(after)) + 1  # begin behind a gap, so that no direction is cut at the seam
    order, after = np.roll(order, -first), np.roll(after, -first)
    is_new = np.r_[True, after[:-1] > SAME_DIRECTION * usual(after)]
    direction = np.cumsum(is_new) - 1
    to_next = np.bincount(direction, after)
    weights = np.empty(len(angles))
    weights[order] = ((to_next + np.roll(to_next, 1)) / 2 / np.bincount(direction))[direction]
    return weights * HALF / turn, wedge


def covered_gaps(directions: FloatArray, turn: float) -> tuple[FloatArray, float]:
    """Gaps between neighbouring directions, without what the scan leaves out.

    Parameters
    ----------
    directions : (n,) ascending, radians, in [0, turn).
    turn : the angle after which they repeat, `HALF` or `FULL`.

    Returns
    -------
    (n,) the gap after each direction, and the missing wedge, both in radians. The widest gap is a wedge where it
    exceeds six usual ones; a usual gap then stands in its place, and the rest is missing.
    """
    gaps = np.diff(directions, append=directions[0] + turn)
    widest = int(np.argmax(gaps))
    typical = usual(np.delete(gaps, widest)) if len(gaps) > 1 else turn
    missing = gaps[widest] - typical if gaps[widest] > WEDGE * typical else 0.0
    gaps[widest] -= missing
    return gaps, float(missing)


def half_turn(angles: FloatArray) -> FloatArray:
    """Directions of parallel beams, in [0, pi)."""
    return _folded(angles, HALF)


def usual(gaps: FloatArray) -> float:
    """Give the gap that a quarter of the circle does not exceed: blind to coinciding views."""
    ascending = np.sort(gaps)
    return float(ascending[np.searchsorted(np.cumsum(ascending), 0.25 * gaps.sum())])


def check_gaps(angles: FloatArray, members: Sequence[IntArray]) -> None:
    """Refuse sections, (n,) indices each, with a gap that neither their size nor the scan's own order explains.

    Raises
    ------
    UserError
        With the section's number.
    """
    folded = half_turn(angles)
    order = np.argsort(folded, kind="stable")
    covered, _ = covered_gaps(folded[order], HALF)
    place = np.empty(len(angles))
    place[order] = np.cumsum(covered) - covered
    unevenness = (len(members) + 1) * min(covered.max() - covered.mean(), usual(covered))
    if is_full_turn(angles):
        unevenness += 4 * covered.mean()  # each half-turn is dealt by itself, two of its own steps off the other
    for number, indices in enumerate(members, start=1):
        widest = np.diff(np.sort(place[indices]), append=place[indices].min() + covered.sum()).max()
        mean = covered.sum() / len(indices)
        if widest > GAP_LIMIT * mean + unevenness + 1e-9:
            raise UserError(
                f"section {number} of {len(members)} leaves a gap of {math.degrees(widest):.2f} degrees, more than"
                f" {GAP_LIMIT} times its mean of {math.degrees(mean):.2f}: set split.sections lower, or leave out"
                " projections where the angles are denser than elsewhere"
            )


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
