"""Deal the projections of a scan to sections whose noise is independent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions
from tomodenoise.splitting.model import Role, Section, Split

ENOUGH_ANGLES = 1.5
"""Projections per column from which on four sections are better than two [measured on foam, for 3:1 against 1:1]."""

NAMED = 4
"""Gaps that a sentence names at most, the widest first."""

WORTH_TELLING = 0.05
"""Degrees of the half-turn: where less is missing, opposite views fill the gaps."""


@dataclass(frozen=True)
class Choice:
    """How many sections, how many of them are the input of a training pair, and why."""

    sections: int
    inputs: int
    why: str


def choose(sections: int | str, inputs: int | str, projections: int, columns: int, *, channels: bool = False) -> Choice:
    """Put numbers in place of "auto".

    Parameters
    ----------
    sections, inputs : what the configuration says, a number or "auto".
    projections, columns : of the scan.
    channels : whether it has channels.

    Returns
    -------
    Four sections where there are at least 1.5 projections per column, else two, whose sections keep more angles each;
    three for a scan with channels, as Hendriksen et al. (2021) have it; all of the sections but one as the input.
    """
    why = ""
    if sections == "auto" and channels:
        sections, why = 3, "two predict the third, the way of XRD-CT"
    if sections == "auto":
        density = projections / columns
        enough = density >= ENOUGH_ANGLES
        sections = 4 if enough else 2
        relation = "at least" if enough else "fewer than"
        why = f"{density:.2f} projections per column, {relation} the {ENOUGH_ANGLES} that four sections need"
    return Choice(int(sections), int(sections) - 1 if inputs == "auto" else int(inputs), why)


def split(angles: FloatArray, sections: int, inputs: int, used: IntArray | None = None) -> Split:
    """Split a static scan into interleaved sections.

    Parameters
    ----------
    angles : (n,) float64, radians, in acquisition order.
    sections : number of sections K, at least 2.
    inputs : how many sections are the input of a training pair, 1 <= inputs < K; the others are its target.
    used : positions of the projections to deal, ascending; all by default. The others are in no section.

    Raises
    ------
    UserError
        See `check`. Gaps in the angles of the scan are no reason to refuse it: `Split.gaps` holds them.
    """
    dealt = np.arange(len(angles)) if used is None else used
    directed = angles[dealt]
    check([directed], sections)
    weights, wedge = directions.angular_weights(directed)
    members = directions.interleave(directed, sections)
    total = weights.sum()
    shares = [float(weights[indices].sum() / total) for indices in members]
    parts = [
        Section(dealt[i], directed[i], weights[i] / share, share) for i, share in zip(members, shares, strict=True)
    ]
    return Split(
        tuple(parts),
        roles(sections, inputs),
        math.degrees(wedge),
        gaps=gaps(directed),
        unused=tuple(np.setdiff1d(np.arange(len(angles)), dealt).tolist()),
    )


def check(parts: Sequence[FloatArray], sections: int) -> None:
    """Refuse to split what has too few projections.

    Parameters
    ----------
    parts : angles of what is split, radians: one scan, or its time steps.

    Raises
    ------
    UserError
        If a section would see the sample from one direction only; it names the largest number of sections that works.
    """
    if all(_see_enough(angles, sections) for angles in parts):
        return
    fewest = min(map(len, parts))
    of = "a time step" if len(parts) > 1 else "the scan"
    fitting = [k for k in range(min(sections - 1, fewest // 2), 1, -1) if all(_see_enough(a, k) for a in parts)]
    if fitting:
        raise UserError(
            f"split.sections is {sections}, but {of} has only {fewest} projections and each section needs two in"
            f" different directions: set it to {fitting[0]}"
        )
    if min(map(_directions, parts)) < 2:
        raise UserError(f"the projections of {of}, {fewest} in number, have one angle: is this the whole scan?")
    raise UserError(
        f"{of} has only {fewest} projections, too few to split: it takes four in different directions, two in each of"
        " two sections"
    )


def _see_enough(angles: FloatArray, sections: int) -> bool:
    if len(angles) < 2 * sections:
        return False
    return min(_directions(angles[members]) for members in directions.interleave(angles, sections)) > 1


def _directions(angles: FloatArray) -> int:
    """Tell one direction from several: 1 or 2; 0 without views. Opposite views have one direction."""
    if not len(angles):
        return 0
    return 1 if abs(np.exp(2j * angles).mean()) > 1 - 1e-12 else 2


def gaps(angles: FloatArray) -> tuple[tuple[float, float], ...]:
    """Ranges of angles without views, degrees (from, to); see `directions.missing_ranges`."""
    return tuple((math.degrees(first), math.degrees(last)) for first, last in directions.missing_ranges(angles))


def concerns(found: Split) -> list[str]:
    """Warn of angles that the scan leaves out, in one line."""
    if not found.gaps:
        return []
    named = [
        f"{first:.1f} to {last:.1f}" for first, last in sorted(found.gaps, key=lambda gap: gap[0] - gap[1])[:NAMED]
    ]
    more = f" and {len(found.gaps) - NAMED} smaller ranges" if len(found.gaps) > NAMED else ""
    where = " in the worst time step" if found.times > 1 else ""
    if found.missing_wedge < WORTH_TELLING:
        effect = "the opposite views show these directions, but not what only one side of the axis sees"
    else:
        effect = f"{found.missing_wedge:.1f} of 180 degrees are missing, so streaks remain and grey values are about"
        effect += f" {found.missing_wedge / 180:.0%} too low"
    return [f"no projections at {', '.join(named)} degrees{more}{where}: {effect}"]


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
        return replace(role, targets=role.targets[::2]), replace(role, targets=role.targets[1::2])
    if len(role.inputs) == 1:
        return None
    lent = role.inputs[len(role.inputs) // 2]
    kept = tuple(number for number in role.inputs if number != lent)
    return Role(kept, role.targets), Role(kept, (lent,))


def halves(sections: int) -> Role:
    """Give the role in which a model is judged: every other section is the input, and the others are the target.

    Both halves see the whole circle evenly. Of three sections one is the input, so that two targets are left.
    """
    even, odd = tuple(range(0, sections, 2)), tuple(range(1, sections, 2))
    return Role(odd, even) if sections == 3 else Role(even, odd)


def stored(roles: Sequence[Role], *, additive: bool) -> tuple[tuple[int, ...], ...]:
    """Name the unions of sections that are reconstructed: all that training and judging ask for, and no more.

    Parameters
    ----------
    roles : of the split; together they name every section.
    additive : whether the mean of sections' reconstructions is that of their union. Then each section is enough.

    Returns
    -------
    The sections of each union, ascending: each section alone; or each that is the input or the target of a role, of
    the pairs by which training and judging estimate the error, and last the whole scan. Four sections, three of them
    the input, take 11: 4 alone, 4 times three, 0 + 2, 1 + 3, and all.
    """
    every = sorted({number for role in roles for number in (*role.inputs, *role.targets)})
    if additive:
        return tuple((number,) for number in every)
    judged = halves(len(every))
    asked = [*roles, judged, *(apart(judged) or ()), *(apart(roles[0]) or ())]
    sides = {side for role in asked for side in (role.inputs, role.targets)}
    return (*sorted(sides), tuple(every))


def kept(found: Split, part: Sequence[int], *, additive: bool) -> tuple[tuple[int, ...], ...]:
    """Name what is reconstructed of a block of sections, first and last plus one.

    Each section alone of a dynamic scan, whose roles are those of a part of it; else as `stored`, where the block is
    the whole scan.
    """
    return tuple((number,) for number in range(*part)) if found.times > 1 else stored(found.roles, additive=additive)


def trained(found: Split, window: Sequence[int] | None) -> list[tuple[int, int]]:
    """Give the runs of sections, first and last plus one, that take the roles in training.

    Parameters
    ----------
    window : first and last time step plus one, of a dynamic scan; None for a static one, whose sections are one run.

    Returns
    -------
    Each step of the window by itself where steps are split by angle; else its groups of consecutive steps, the last
    one moved back into the window where that is no whole number of groups.
    """
    if window is None or found.times == 1:
        return [(0, len(found.sections))]
    start, stop, size = found.each * window[0], found.each * window[1], found.members
    firsts = list(range(start, stop - size + 1, size))
    if firsts[-1] + size < stop:
        firsts.append(stop - size)
    return [(first, first + size) for first in firsts]


def union(found: Split, members: Sequence[int]) -> Section:
    """Join sections to one, with the weights that its reconstruction needs."""
    parts = [found.sections[number] for number in members]
    share = sum(part.share for part in parts)
    indices = np.concatenate([part.indices for part in parts])
    order = np.argsort(indices)
    weights = np.concatenate([part.weights * (part.share / share) for part in parts])
    return Section(indices[order], np.concatenate([part.angles for part in parts])[order], weights[order], share)


def mixing(members: Sequence[int], shares: Sequence[float]) -> FloatArray:
    """Weights (K,) float32 with which the reconstructions of ``members`` average to that of their union."""
    weights = np.zeros(len(shares))
    weights[list(members)] = np.asarray(shares)[list(members)]
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def assignment(found: Split) -> IntArray:
    """Give the number of each projection's section among those that take roles together, (n,) for the whole scan.

    Sections of the same number never meet as input and target, so they may share flats. Unused projections have 0.
    """
    dealt = sum(len(section.indices) for section in found.sections)
    numbers = np.zeros(dealt + len(found.unused), dtype=np.int64)
    for number, section in enumerate(found.sections):
        numbers[section.indices] = number % found.members
    return numbers
