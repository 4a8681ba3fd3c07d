"""Division of a scan by angle into sections with independent noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions
from tomodenoise.splitting.model import Role, Section, Split

MIXED = "mixed"
"""Number of sections that are the input: all but one, and half of them, in turns."""

FEWEST_MIXED = 4
"""Fewest sections for which "auto" is `MIXED`; three of them have not been measured."""

ENOUGH_ANGLES = 1.5
"""Projections per column above which four sections are better than two [measured on foam, 3:1 against 1:1]."""

NAMED = 4
"""Largest number of gaps listed in a warning, the widest first."""

SMALLEST_WEDGE = 0.05
"""Degrees of the half-turn; if less is missing, opposite views fill the gaps."""


@dataclass(frozen=True)
class Choice:
    """Division of a scan into sections, as passed to `split_scan`."""

    by: str | None
    """`time`: a time step is a section; `angle`: each step has `sections` of them; None for a static scan."""
    sections: int
    """Number that take roles in turn: of a scan or a step, or of steps in a group."""
    inputs: int | str
    """How many of them are the input of a training pair, or `MIXED`."""
    why: str


def choose(
    sections: int | str,
    inputs: int | str,
    projections: int,
    columns: int,
    *,
    channels: bool = False,
    additive: bool = True,
) -> Choice:
    """Replace "auto" by numbers.

    Parameters
    ----------
    sections, inputs : as configured.
    projections, columns : of the scan.
    channels : whether the scan has channels.
    additive : whether the mean of sections' reconstructions is the reconstruction of their union.

    Returns
    -------
    Four sections for at least 1.5 projections per column, else two, which keep more angles each; three for a scan with
    channels, as in Hendriksen et al. (2021). The input is `MIXED` for four sections and more, which gains up to 0.3 dB
    [measured on foam]; all sections but one if there are fewer, or if mixing means more reconstructions.
    """
    why = ""
    if sections == "auto" and channels:
        sections, why = 3, "two predict the third, as usual for XRD-CT"
    if sections == "auto":
        density = projections / columns
        enough = density >= ENOUGH_ANGLES
        sections = 4 if enough else 2
        relation = "at least" if enough else "fewer than"
        why = f"{density:.2f} projections per column, {relation} the {ENOUGH_ANGLES} that four sections need"
    count = int(sections)
    if inputs == "auto":
        inputs = MIXED if count >= FEWEST_MIXED and additive and not channels else count - 1
    return Choice(None, count, inputs, why)


def split(angles: FloatArray, sections: int, inputs: int | str, used: IntArray | None = None) -> Split:
    """Split a static scan into interleaved sections.

    Parameters
    ----------
    angles : (n,) float64, radians, in acquisition order.
    sections : number of sections K, at least 2.
    inputs : number of sections that are the input of a training pair, 1 <= inputs < K; the others are its target; or
        `MIXED`, see `roles`.
    used : positions of the projections to use, ascending; all by default. The others are in no section.

    Raises
    ------
    UserError
        See `check`. Gaps in the angles are no error; they are listed in `Split.gaps`.
    """
    chosen = np.arange(len(angles)) if used is None else used
    chosen_angles = angles[chosen]
    check([chosen_angles], sections)
    weights, wedge = directions.angular_weights(chosen_angles)
    members = directions.interleave(chosen_angles, sections)
    total = weights.sum()
    shares = [float(weights[indices].sum() / total) for indices in members]
    parts = [
        Section(chosen[i], chosen_angles[i], weights[i] / share, share)
        for i, share in zip(members, shares, strict=True)
    ]
    return Split(
        tuple(parts),
        roles(sections, inputs),
        math.degrees(wedge),
        gaps=gaps(chosen_angles),
        unused=tuple(np.setdiff1d(np.arange(len(angles)), chosen).tolist()),
    )


def check(parts: Sequence[FloatArray], sections: int) -> None:
    """Check that there are enough projections to split.

    Parameters
    ----------
    parts : angles of the scan, or of each of its time steps, radians.

    Raises
    ------
    UserError
        If a section would see the sample from one direction only; the message gives the largest number that works.
    """
    if all(_see_enough(angles, sections) for angles in parts):
        return
    fewest = min(map(len, parts))
    of = "a time step" if len(parts) > 1 else "the scan"
    possible = [k for k in range(min(sections - 1, fewest // 2), 1, -1) if all(_see_enough(a, k) for a in parts)]
    if possible:
        raise UserError(
            f"split.sections is {sections}, but {of} has only {fewest} projections and each section needs two in"
            f" different directions: set it to {possible[0]}"
        )
    if min(map(_directions, parts)) < 2:
        raise UserError(
            f"the {fewest} projections of {of} have fewer than two different angles: is this the whole scan?"
        )
    raise UserError(
        f"{of} has only {fewest} projections, too few to split: at least four in different directions are needed,"
        " two for each of two sections"
    )


def _see_enough(angles: FloatArray, sections: int) -> bool:
    if len(angles) < 2 * sections:
        return False
    return min(_directions(angles[members]) for members in directions.interleave(angles, sections)) > 1


def _directions(angles: FloatArray) -> int:
    """Return 1 for a single direction, 2 for several, 0 without views; opposite views have the same direction."""
    if not len(angles):
        return 0
    return 1 if abs(np.exp(2j * angles).mean()) > 1 - 1e-12 else 2


def gaps(angles: FloatArray) -> tuple[tuple[float, float], ...]:
    """Return the ranges of angles without views, degrees (from, to); see `directions.missing_ranges`."""
    return tuple((math.degrees(first), math.degrees(last)) for first, last in directions.missing_ranges(angles))


def concerns(split: Split) -> list[str]:
    """Warn of missing angles, in at most one line."""
    if not split.gaps:
        return []
    named = [
        f"{first:.1f} to {last:.1f}" for first, last in sorted(split.gaps, key=lambda gap: gap[0] - gap[1])[:NAMED]
    ]
    more = f" and {len(split.gaps) - NAMED} smaller ranges" if len(split.gaps) > NAMED else ""
    where = " in the worst time step" if split.times > 1 else ""
    if split.missing_wedge < SMALLEST_WEDGE:
        effect = "the opposite views cover these directions, except for parts seen on only one side of the axis"
    else:
        effect = f"{split.missing_wedge:.1f} of 180 degrees are missing, so streaks remain and grey values are about"
        effect += f" {split.missing_wedge / 180:.0%} too low"
    return [f"no projections at {', '.join(named)} degrees{more}{where}: {effect}"]


def roles(sections: int, inputs: int | str) -> tuple[Role, ...]:
    """Return every rotation of ``inputs`` sections against the others, so that each is a target equally often.

    `MIXED` takes all sections but one and half of them, consecutive or every other one, so that the network sees two
    levels of noise. For four sections these are all 4 + 6 partitions.

    Raises
    ------
    UserError
        If `inputs` is not between 1 and `sections` - 1.
    """
    if inputs == MIXED:
        half = halves(sections)
        return (
            *roles(sections, sections - 1),
            *roles(sections, sections // 2),
            half,
            Role(half.targets, half.inputs),
        )
    number = int(inputs)
    if not 1 <= number < sections:
        raise UserError(
            f"split.input is {inputs}: set it to at least 1 and less than split.sections, which is {sections}"
        )
    turns = ([(start + i) % sections for i in range(sections)] for start in range(sections))
    return tuple(Role(tuple(sorted(turn[:number])), tuple(sorted(turn[number:]))) for turn in turns)


def apart(role: Role) -> tuple[Role, Role] | None:
    """Return two roles with equal inputs and disjoint targets, to estimate errors from two independent targets.

    None if there are too few sections for three groups. The inputs are those of the role, or all but one of them.
    """
    if len(role.targets) > 1:
        return replace(role, targets=role.targets[::2]), replace(role, targets=role.targets[1::2])
    if len(role.inputs) == 1:
        return None
    lent = role.inputs[len(role.inputs) // 2]
    kept = tuple(number for number in role.inputs if number != lent)
    return Role(kept, role.targets), Role(kept, (lent,))


def halves(sections: int) -> Role:
    """Return the role in which a model is evaluated: every other section is the input, the rest are the target.

    Both halves cover the whole circle evenly. Of three sections one is the input, which leaves two targets.
    """
    even = tuple(range(0, sections, 2))
    odd = tuple(range(1, sections, 2))
    return Role(odd, even) if sections == 3 else Role(even, odd)


def stored(roles: Sequence[Role], *, additive: bool) -> tuple[tuple[int, ...], ...]:
    """List the unions of sections to reconstruct: exactly those that training and evaluation need.

    Parameters
    ----------
    roles : of the split; together they cover every section.
    additive : whether the mean of sections' reconstructions is the reconstruction of their union. If so, the single
        sections are enough.

    Returns
    -------
    The sections of each union, ascending. If additive, each section alone; else the inputs and targets of the roles
    and of the pairs that estimate the error in training and evaluation, and finally the whole scan. Four sections
    with three as the input take 11 reconstructions: 4 single ones, 4 of three, 0 + 2, 1 + 3, and all.
    """
    every = sorted({number for role in roles for number in (*role.inputs, *role.targets)})
    if additive:
        return tuple((number,) for number in every)
    evaluated = halves(len(every))
    needed = [*roles, evaluated, *(apart(evaluated) or ()), *(apart(roles[0]) or ())]
    sides = {side for role in needed for side in (role.inputs, role.targets)}
    return (*sorted(sides), tuple(every))


def kept(split: Split, part: Sequence[int], *, additive: bool) -> tuple[tuple[int, ...], ...]:
    """List the unions to reconstruct of the sections [start, stop) in ``part``.

    For a dynamic scan these are the single sections, since its roles cover a part of it only; for a static one, whose
    part is the whole scan, see `stored`.
    """
    return tuple((number,) for number in range(*part)) if split.times > 1 else stored(split.roles, additive=additive)


def trained(split: Split, window: Sequence[int] | None) -> list[tuple[int, int]]:
    """Return the runs of sections, each [start, stop), that take the roles in training.

    Parameters
    ----------
    window : [start, stop) of the time steps of a dynamic scan; None for a static one, whose sections are one run.

    Returns
    -------
    Each step of the window if steps are split by angle; else its groups of consecutive steps. If the window is not a
    whole number of groups, the last group is moved back into it.
    """
    if window is None or split.times == 1:
        return [(0, len(split.sections))]
    start = split.per_step * window[0]
    stop = split.per_step * window[1]
    size = split.members
    firsts = list(range(start, stop - size + 1, size))
    if firsts[-1] + size < stop:
        firsts.append(stop - size)
    return [(first, first + size) for first in firsts]


def union(split: Split, members: Sequence[int]) -> Section:
    """Join sections into one, with the weights for its reconstruction."""
    parts = [split.sections[number] for number in members]
    share = sum(part.share for part in parts)
    indices = np.concatenate([part.indices for part in parts])
    order = np.argsort(indices)
    weights = np.concatenate([part.weights * (part.share / share) for part in parts])
    return Section(indices[order], np.concatenate([part.angles for part in parts])[order], weights[order], share)


def mixing(members: Sequence[int], shares: Sequence[float]) -> FloatArray:
    """Return weights (K,) float32 that average the reconstructions of ``members`` to that of their union."""
    weights = np.zeros(len(shares))
    weights[list(members)] = np.asarray(shares)[list(members)]
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def assignment(split: Split) -> IntArray:
    """Return the number of each projection's section among those that take roles together, (n,) for the whole scan.

    Sections with the same number are never input and target of one pair, so they may share flats. Unused projections
    have 0.
    """
    assigned = sum(len(section.indices) for section in split.sections)
    numbers = np.zeros(assigned + len(split.unused), dtype=np.int64)
    for number, section in enumerate(split.sections):
        numbers[section.indices] = number % split.members
    return numbers
