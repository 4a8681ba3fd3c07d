"""Division of time steps into sections: whole steps that predict each other, or each step split by angle."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions
from tomodenoise.splitting import by_angle, options
from tomodenoise.splitting.by_angle import ENOUGH_ANGLES, Choice
from tomodenoise.splitting.model import Interlacing, Role, Section, Split

EVEN = 1.5
"""Widest gap divided by the mean gap up to which directions count as even, as for sections of a static scan."""

QUIET = 5
"""Number of parts of the series of which the first is the training window, as processes start late [Hendriksen 2021:
36 of 180 steps]."""

FEWEST = 12
"""Smallest number of steps in the window, if the scan has that many."""

LARGEST = 32
"""Largest group that is chosen automatically, in steps."""


def window(wanted: Sequence[int] | None, steps: int, by: str) -> tuple[int, int]:
    """Choose the steps to train on.

    Parameters
    ----------
    wanted : `steps.train` of the configuration; default: the first fifth, at least 12, or all steps that are split by
        angle.
    steps : number of steps of the scan.
    by : as in `Choice`.

    Returns
    -------
    The steps [start, stop).

    Raises
    ------
    UserError
        If there are no such steps, or only one, which has no other to predict.
    """
    if wanted is None:
        return 0, steps if by == "angle" else min(steps, max(FEWEST, steps // QUIET))
    start, stop = wanted
    if not 0 <= start < stop <= steps:
        raise UserError(f"steps.train: [{start}, {stop}] is not within the scan: choose a range within [0, {steps}]")
    if by == "time" and stop - start < 2:
        raise UserError(
            "steps.train: a single step has no other to predict: choose more steps, or set steps.split: angle"
        )
    return start, stop


def choose(
    steps: Sequence[FloatArray],
    within: Sequence[int],
    wanted: options.Steps,
    split: options.Split,
    columns: int,
) -> Choice:
    """Replace "auto" by numbers.

    Parameters
    ----------
    steps : angles of each step, radians.
    within : the steps to train on, [start, stop).
    wanted : `steps` of the scan in the configuration.
    split : section `split` of the configuration, for steps that are split by angle.
    columns : of the detector.

    Raises
    ------
    UserError
        If the group is larger than the window.
    """
    if wanted.split == "angle":
        per_step = min(len(angles) for angles in steps)
        return replace(by_angle.choose(split.sections, split.input, per_step, columns), by="angle")
    count = within[1] - within[0]
    if wanted.group == "auto":
        group, why = _smallest_even(steps[within[0] : within[1]], columns)
        return Choice("time", group, 1, why)
    if wanted.group > count:
        raise UserError(f"steps.group is {wanted.group}, but steps.train holds only {count} steps: set it lower")
    return Choice("time", wanted.group, 1, "")


def split(
    angles: FloatArray, steps: IntArray, by: str, sections: int, inputs: int | str, used: IntArray | None = None
) -> Split:
    """Form the sections of a dynamic scan, one step after the other.

    Parameters
    ----------
    angles : (n,) radians.
    steps : (n,) time step of each projection, ascending.
    by, sections, inputs : as in `Choice`.
    used : positions of the projections to use, ascending; all by default.

    Returns
    -------
    By time: one section per step, and the roles of ``sections`` consecutive steps, each of which predicts the mean of
    the others in turn. By angle: the sections of each step as from `by_angle.split`, and their roles.

    Raises
    ------
    UserError
        As `by_angle.check`; or if a step has no projections.
    """
    chosen = np.arange(len(steps)) if used is None else used
    firsts = np.flatnonzero(np.diff(steps, prepend=-1))
    members = np.split(chosen, np.searchsorted(chosen, firsts[1:]))
    empty = [number for number, indices in enumerate(members) if not len(indices)]
    if empty:
        raise UserError(f"time step {empty[0]} has no usable projection and cannot be reconstructed: leave it out")
    parts = [angles[indices] for indices in members]
    wedges = [directions.angular_weights(part)[1] for part in parts]
    worst = int(np.argmax(wedges))
    division = _by_angle(parts, members, sections, inputs) if by == "angle" else _by_time(parts, members, sections)
    unused = np.setdiff1d(np.arange(len(steps)), chosen)
    return replace(
        division,
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


def _by_angle(parts: Sequence[FloatArray], members: Sequence[IntArray], sections: int, inputs: int | str) -> Split:
    by_angle.check(parts, sections)
    splits = [by_angle.split(part, sections, inputs) for part in parts]
    joined = tuple(
        replace(section, indices=indices[section.indices])
        for step, indices in zip(splits, members, strict=True)
        for section in step.sections
    )
    return Split(joined, splits[0].roles, 0.0, times=len(members))


def in_context(roles: Sequence[Role], steps: int) -> tuple[Role, ...]:
    """Extend roles so that the network sees several consecutive time steps to predict others of their group.

    Parameters
    ----------
    roles : each step of a group in turn predicts all others.
    steps : number of steps that the network sees, odd and less than the size of the group.

    Returns
    -------
    The roles of the steps with enough neighbours within the group. Steps that the network sees are not its targets, as
    it would learn their noise; steps of other groups are not seen, as they may share flats with the targets.
    """
    if steps == 1:
        return tuple(roles)
    count = len(roles)
    reach = steps // 2
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
    The result for the worst group. The figure is the widest gap between directions divided by the mean gap: 1 for
    steps that interlace evenly, the number of steps if all repeat the same angles.
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
    """Return the widest gap divided by the mean gap, and the number of directions without repeats in a step."""
    folded = np.sort(directions.half_turn(np.concatenate(steps)))
    gaps, _ = directions.covered_gaps(folded, directions.HALF)
    count = sum(_distinct(angles) for angles in steps)
    return float(gaps.max() * count / gaps.sum()), count


def _distinct(angles: FloatArray) -> int:
    gaps, _ = directions.covered_gaps(np.sort(directions.half_turn(angles)), directions.HALF)
    return max(1, int((gaps > directions.SAME_DIRECTION * directions.usual(gaps)).sum()))


def _smallest_even(steps: Sequence[FloatArray], columns: int) -> tuple[int, str]:
    """Return the smallest group that covers the circle evenly with enough directions in its targets, and the reason."""
    candidates = [interlacing(steps, group) for group in range(2, min(LARGEST, len(steps)) + 1)]
    even = [candidate for candidate in candidates if candidate.figure <= EVEN]
    if not even:
        return 2, f"no group covers the circle evenly ({candidates[0].verdict}): pairs of steps predict each other"
    enough = [c for c in even if c.directions * (c.group - 1) / c.group >= ENOUGH_ANGLES * columns]
    chosen = enough[0] if enough else even[-1]
    size = "smallest group whose" if enough else "largest group whose"
    return chosen.group, (
        f"the {size} {chosen.directions} directions cover the circle evenly"
        f" (widest gap {chosen.figure:.2f} times the mean)" + (" with enough for a target" if enough else "")
    )
