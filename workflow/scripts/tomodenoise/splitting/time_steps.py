"""Time steps to sections: whole steps that predict each other, or each step split by angle."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions
from tomodenoise.splitting import by_angle
from tomodenoise.splitting.by_angle import ENOUGH_ANGLES
from tomodenoise.splitting.model import Interlacing, Role, Section, Split

EVEN = 1.5
"""Widest gap over the mean one up to which directions count as even, as for the sections of a static scan."""

QUIET = 5
"""The window of training is the first of so many parts of the series: processes start late [Hendriksen 2021: 36 of
180 steps]."""

FEWEST = 12
"""Steps that the window holds at least, where there are so many."""

LARGEST = 32
"""Steps in a group at most, where nobody sets it."""


@dataclass(frozen=True)
class Choice:
    """How the steps of a scan become sections; what `split_scan` is told."""

    by: str
    """`time`: a step is a section; `angle`: each step has `sections` of them."""
    sections: int
    """Steps in a group, or sections of a step: what takes roles in turn."""
    inputs: int
    why: str


def window(wanted: Sequence[int] | None, steps: int, by: str) -> tuple[int, int]:
    """Settle which steps to train on.

    Parameters
    ----------
    wanted : `steps.train` of the configuration; where absent, the first fifth, at least 12, or all of a scan whose
        steps are split by angle.
    steps : of the scan.

    Returns
    -------
    The first step and the last plus one.

    Raises
    ------
    UserError
        If there are no such steps, or only one to be predicted by others.
    """
    if wanted is None:
        return 0, steps if by == "angle" else min(steps, max(FEWEST, steps // QUIET))
    start, stop = wanted
    if not 0 <= start < stop <= steps:
        raise UserError(f"steps.train: [{start}, {stop}] are not in the scan: choose within [0, {steps}]")
    if by == "time" and stop - start < 2:
        raise UserError("steps.train: one step alone has no other to predict: choose more, or set steps.split: angle")
    return start, stop


def choose(
    steps: Sequence[FloatArray],
    within: Sequence[int],
    settings: Mapping[str, Any],
    split: Mapping[str, Any],
    columns: int,
) -> Choice:
    """Put numbers in place of "auto".

    Parameters
    ----------
    steps : angles of each step, radians.
    within : the steps to train on, first and last plus one.
    settings : `steps` of the scan in the resolved configuration.
    split : the section `split`, for steps that are split by angle.
    columns : of the detector.

    Raises
    ------
    UserError
        If the group is larger than the window.
    """
    if settings["split"] == "angle":
        per_step = min(len(angles) for angles in steps)
        chosen = by_angle.choose(split["sections"], split["input"], per_step, columns)
        return Choice("angle", chosen.sections, chosen.inputs, chosen.why)
    count = within[1] - within[0]
    if settings["group"] == "auto":
        group, why = _smallest_even(steps[within[0] : within[1]], columns)
        return Choice("time", group, 1, why)
    if settings["group"] > count:
        raise UserError(f"steps.group is {settings['group']}, but steps.train holds only {count} steps: set it lower")
    return Choice("time", int(settings["group"]), 1, "")


def split(
    angles: FloatArray, steps: IntArray, by: str, sections: int, inputs: int, used: IntArray | None = None
) -> Split:
    """Form the sections of a dynamic scan, one step after the other.

    Parameters
    ----------
    angles : (n,) radians.
    steps : (n,) time step of each projection, ascending.
    by, sections, inputs : as in `Choice`.
    used : positions of the projections to deal, ascending; all by default.

    Returns
    -------
    By time: a section for each step, and the roles of ``sections`` consecutive ones: each predicts the mean of the
    others in turn. By angle: the sections of each step as `splitting.split` deals them, and their roles.

    Raises
    ------
    UserError
        As `splitting.check`; and for a step without projections.
    """
    dealt = np.arange(len(steps)) if used is None else used
    firsts = np.flatnonzero(np.diff(steps, prepend=-1))
    members = np.split(dealt, np.searchsorted(dealt, firsts[1:]))
    empty = [number for number, indices in enumerate(members) if not len(indices)]
    if empty:
        raise UserError(f"no projection of time step {empty[0]} can be used: it cannot be reconstructed, leave it out")
    parts = [angles[indices] for indices in members]
    wedges = [directions.angular_weights(part)[1] for part in parts]
    worst = int(np.argmax(wedges))
    found = _by_angle(parts, members, sections, inputs) if by == "angle" else _by_time(parts, members, sections)
    unused = np.setdiff1d(np.arange(len(steps)), dealt)
    return replace(
        found,
        missing_wedge=math.degrees(wedges[worst]),
        gaps=by_angle.gaps(parts[worst]),
        unused=tuple(unused.tolist()),
    )


def _by_time(parts: Sequence[FloatArray], members: Sequence[IntArray], group: int) -> Split:
    total = sum(map(len, members))
    sections = tuple(
        Section(indices, part, directions.angular_weights(part)[0], len(indices) / total)
        for indices, part in zip(members, parts, strict=True)
    )
    roles = tuple(Role((i,), tuple(j for j in range(group) if j != i)) for i in range(group))
    return Split(sections, roles, 0.0, times=len(members), interlacing=interlacing(parts, group))


def _by_angle(parts: Sequence[FloatArray], members: Sequence[IntArray], sections: int, inputs: int) -> Split:
    by_angle.check(parts, sections)
    found = [by_angle.split(part, sections, inputs) for part in parts]
    dealt = tuple(
        replace(section, indices=indices[section.indices])
        for step, indices in zip(found, members, strict=True)
        for section in step.sections
    )
    return Split(dealt, found[0].roles, 0.0, times=len(members))


def in_context(roles: Sequence[Role], steps: int) -> tuple[Role, ...]:
    """Let a network see so many consecutive time steps to predict others of their group.

    Parameters
    ----------
    roles : in which each step of a group in turn predicts all others.
    steps : that the network sees, odd; less than the group has.

    Returns
    -------
    The roles of the steps with enough others of the group on both sides. What the network sees is no target of it, as
    it would learn the noise; and nothing is seen of other groups, whose flats the targets may share.
    """
    if steps == 1:
        return tuple(roles)
    count, reach = len(roles), steps // 2
    around = (range(middle - reach, middle + reach + 1) for middle in range(reach, count - reach))
    return tuple(
        Role((seen[reach],), tuple(step for step in range(count) if step not in seen), tuple(seen)) for seen in around
    )


def interlacing(steps: Sequence[FloatArray], group: int) -> Interlacing:
    """Measure how evenly the angles of consecutive steps cover the circle together.

    Parameters
    ----------
    steps : angles of each step, radians.
    group : number of steps.

    Returns
    -------
    Of the worst group. The figure is the widest gap between directions over the mean one that so many directions
    would have: 1 for steps that interlace evenly, the number of steps where all repeat the same angles.
    """
    starts = range(0, max(len(steps) - group, 0) + 1, group)
    groups = [steps[start : start + group] for start in starts]
    figures, counts = zip(*map(_evenness, groups), strict=True)
    worst = int(np.argmax(figures))
    return Interlacing(group, counts[worst], figures[worst], _verdict(figures[worst], group))


def _verdict(figure: float, group: int) -> str:
    if figure <= EVEN:
        return "even"
    return "steps repeat each other's angles" if figure > 0.9 * group else "uneven"


def _evenness(steps: Sequence[FloatArray]) -> tuple[float, int]:
    """Widest gap over the mean one, and how many directions the steps see, those that one sees twice counted once."""
    folded = np.sort(directions.half_turn(np.concatenate(steps)))
    gaps, _ = directions.covered_gaps(folded, directions.HALF)
    count = sum(_distinct(angles) for angles in steps)
    return float(gaps.max() * count / gaps.sum()), count


def _distinct(angles: FloatArray) -> int:
    gaps, _ = directions.covered_gaps(np.sort(directions.half_turn(angles)), directions.HALF)
    return max(1, int((gaps > directions.SAME_DIRECTION * directions.usual(gaps)).sum()))


def _smallest_even(steps: Sequence[FloatArray], columns: int) -> tuple[int, str]:
    """Give the smallest group that covers the circle evenly with enough directions in its targets, and say why."""
    found = [interlacing(steps, group) for group in range(2, min(LARGEST, len(steps)) + 1)]
    even = [each for each in found if each.figure <= EVEN]
    if not even:
        return 2, f"no group covers the circle evenly ({found[0].verdict}): a pair of steps predicts each other"
    enough = [e for e in even if e.directions * (e.group - 1) / e.group >= ENOUGH_ANGLES * columns]
    chosen = enough[0] if enough else even[-1]
    size = "smallest group whose" if enough else "largest group whose"
    return chosen.group, (
        f"the {size} {chosen.directions} directions cover the circle evenly"
        f" (widest gap {chosen.figure:.2f} times the mean)" + (" with enough for a target" if enough else "")
    )
