"""Deal the projections of a scan to sections whose noise is independent."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.errors import UserError

GAP_LIMIT = 1.5
"""A section whose largest angular gap exceeds this multiple of its mean gap is refused."""

WEDGE = 6
"""A gap of more than so many usual ones is what a tilt series leaves out."""

SAME_DIRECTION = 0.05
"""Views closer than this share of the usual gap are of one direction."""


@dataclass(frozen=True)
class Section:
    """Projections that are reconstructed together."""

    indices: IntArray
    """(n,) positions in the scan, ascending."""
    angles: FloatArray
    """(n,) radians."""
    weights: FloatArray
    """(n,) radians: the angle that each projection stands for; the sum is the same for every section."""
    share: float
    """Weight of this section's reconstruction in the full one; the shares of all sections sum to one."""


@dataclass(frozen=True)
class Role:
    """One way to use the sections in training: the mean of ``inputs`` predicts the mean of ``targets``."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Split:
    """The sections of a scan and the roles that they take in turn."""

    sections: tuple[Section, ...]
    roles: tuple[Role, ...]
    missing_wedge: float
    """Degrees of the half-turn that no projection covers; 0 for a complete scan."""


def interleave(angles: FloatArray, sections: int) -> tuple[IntArray, ...]:
    """Deal projections to sections in the order of their angle.

    Parameters
    ----------
    angles : (n,) float64, radians, in acquisition order; any range, any order.
    sections : number of sections, 1 <= sections <= n.

    Returns
    -------
    One ascending index array per section; disjoint, together all of ``range(n)``, sizes equal to within one.

    Notes
    -----
    Parallel beams repeat after 180 degrees, so the order is by angle modulo pi [Hendriksen 2021, section 2].
    The half-turn is a circle: where ``n`` is no multiple of ``sections`` the extra projections are spread
    over it, as all of them together at the seam would leave a gap of nearly twice the mean.
    """
    order = np.argsort(_half_turn(angles), kind="stable")
    rounds, extra = divmod(len(angles), sections)
    middles = [
        (2 * j + 1) * rounds // (2 * extra) * sections + (j + (sections + 1) // 2) % sections for j in range(extra)
    ]
    section = np.insert(np.tile(np.arange(sections), rounds), np.asarray(middles, dtype=int), np.arange(extra))
    return tuple(np.sort(order[section == number]) for number in range(sections))


def angular_weights(angles: FloatArray) -> tuple[FloatArray, float]:
    """Angle that each projection stands for: half of the gaps to its neighbours on the half-turn.

    Parameters
    ----------
    angles : (n,) radians, any range, any order.

    Returns
    -------
    (n,) float64 weights in radians, and the missing wedge in radians. Views of the same direction share one
    weight equally, so neither the two ends of a closed half-turn nor a further turn count twice.
    """
    order = np.argsort(_half_turn(angles), kind="stable")
    after, wedge = covered_gaps(_half_turn(angles)[order])
    first = int(np.argmax(after)) + 1  # begin behind a gap, so that no direction is cut at the seam
    order, after = np.roll(order, -first), np.roll(after, -first)
    is_new = np.r_[True, after[:-1] > SAME_DIRECTION * _usual(after)]
    direction = np.cumsum(is_new) - 1
    to_next = np.bincount(direction, after)
    weights = np.empty(len(angles))
    weights[order] = ((to_next + np.roll(to_next, 1)) / 2 / np.bincount(direction))[direction]
    return weights, wedge


def covered_gaps(directions: FloatArray) -> tuple[FloatArray, float]:
    """Gaps between neighbouring directions on the half-turn, without what the scan leaves out.

    Parameters
    ----------
    directions : (n,) ascending, radians, in [0, pi).

    Returns
    -------
    (n,) the gap after each direction, and the missing wedge, both in radians. The widest gap is a wedge where it
    exceeds six usual ones; a usual gap then stands in its place, and the rest is missing.
    """
    gaps = np.diff(directions, append=directions[0] + np.pi)
    widest = int(np.argmax(gaps))
    usual = _usual(np.delete(gaps, widest)) if len(gaps) > 1 else np.pi
    missing = gaps[widest] - usual if gaps[widest] > WEDGE * usual else 0.0
    gaps[widest] -= missing
    return gaps, float(missing)


def split(angles: FloatArray, sections: int, inputs: int) -> Split:
    """Split a static scan into interleaved sections.

    Parameters
    ----------
    angles : (n,) float64, radians, in acquisition order.
    sections : number of sections K, at least 2 and at most n.
    inputs : how many sections are the input of a training pair, 1 <= inputs < K; the others are its target.

    Raises
    ------
    UserError
        If there are fewer projections than sections, or if a section leaves a gap in the angles that is larger
        than 1.5 times its mean gap. A wedge that the whole scan leaves out is no such gap.
    """
    if len(angles) < sections:
        raise UserError(f"split.sections is {sections}, but the scan has only {len(angles)} projections: set it lower")
    weights, wedge = angular_weights(angles)
    members = interleave(angles, sections)
    _check_gaps(angles, members)
    total = weights.sum()
    shares = [float(weights[indices].sum() / total) for indices in members]
    parts = [Section(i, angles[i], weights[i] / share, share) for i, share in zip(members, shares, strict=True)]
    return Split(tuple(parts), roles(sections, inputs), math.degrees(wedge))


def roles(sections: int, inputs: int) -> tuple[Role, ...]:
    """Every rotation of ``inputs`` sections against the others, so that each is a target equally often."""
    if not 1 <= inputs < sections:
        raise UserError(
            f"split.input is {inputs}, but must be at least 1 and less than split.sections, which is {sections}"
        )
    turns = ([(start + i) % sections for i in range(sections)] for start in range(sections))
    return tuple(Role(tuple(sorted(turn[:inputs])), tuple(sorted(turn[inputs:]))) for turn in turns)


def apart(role: Role) -> tuple[Role, Role] | None:
    """Give two roles of equal inputs and disjoint targets, for errors that two independent targets reveal.

    None where there are too few sections for three groups. The inputs are the role's, or all but one of them.
    """
    if len(role.targets) > 1:
        return Role(role.inputs, role.targets[::2]), Role(role.inputs, role.targets[1::2])
    if len(role.inputs) == 1:
        return None
    lent = role.inputs[len(role.inputs) // 2]
    kept = tuple(number for number in role.inputs if number != lent)
    return Role(kept, role.targets), Role(kept, (lent,))


def mixing(members: Sequence[int], shares: Sequence[float]) -> FloatArray:
    """Weights (K,) float32 with which the reconstructions of ``members`` average to that of their union."""
    weights = np.zeros(len(shares))
    weights[list(members)] = np.asarray(shares)[list(members)]
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def to_json(found: Split) -> dict[str, Any]:
    """Plain values for `split.json`; angles in degrees for people, the rest as in `Section`."""
    return {
        "sections": [
            {
                "share": section.share,
                "indices": section.indices.tolist(),
                "angles_degrees": np.degrees(section.angles).tolist(),
                "weights": section.weights.tolist(),
            }
            for section in found.sections
        ],
        "roles": [asdict(role) for role in found.roles],
        "missing_wedge_degrees": found.missing_wedge,
    }


def from_json(values: dict[str, Any]) -> Split:
    """Read what `to_json` wrote."""
    sections = tuple(
        Section(np.asarray(s["indices"]), np.radians(s["angles_degrees"]), np.asarray(s["weights"]), s["share"])
        for s in values["sections"]
    )
    roles_ = tuple(Role(tuple(r["inputs"]), tuple(r["targets"])) for r in values["roles"])
    return Split(sections, roles_, values["missing_wedge_degrees"])


def assignment(found: Split) -> IntArray:
    """Section number of each projection, (n,)."""
    numbers = np.empty(sum(len(section.indices) for section in found.sections), dtype=np.int64)
    for number, section in enumerate(found.sections):
        numbers[section.indices] = number
    return numbers


def _half_turn(angles: FloatArray) -> FloatArray:
    """Angles modulo pi; those within rounding of pi become 0, as they are the same direction."""
    folded = np.mod(angles, np.pi)
    return np.where(np.pi - folded < 1e-9, 0.0, folded)


def _usual(gaps: FloatArray) -> float:
    """Give the gap that a quarter of the circle does not exceed: blind to coinciding views."""
    ascending = np.sort(gaps)
    return float(ascending[np.searchsorted(np.cumsum(ascending), 0.25 * gaps.sum())])


def _check_gaps(angles: FloatArray, members: tuple[IntArray, ...]) -> None:
    """Refuse a section with a gap that neither its size nor the scan's own order (golden angle, say) explains."""
    order = np.argsort(_half_turn(angles), kind="stable")
    covered, _ = covered_gaps(_half_turn(angles)[order])
    place = np.empty(len(angles))
    place[order] = np.cumsum(covered) - covered
    unevenness = (len(members) + 1) * min(covered.max() - covered.mean(), _usual(covered))
    for number, indices in enumerate(members, start=1):
        widest = np.diff(np.sort(place[indices]), append=place[indices].min() + covered.sum()).max()
        mean = covered.sum() / len(indices)
        if widest > GAP_LIMIT * mean + unevenness + 1e-9:
            raise UserError(
                f"section {number} of {len(members)} leaves a gap of {math.degrees(widest):.2f} degrees, more than"
                f" {GAP_LIMIT} times its mean of {math.degrees(mean):.2f}: set split.sections lower, or leave out"
                " projections where the angles are denser than elsewhere"
            )
