"""Groups of sections in an evaluation: the model's input, and the data that its result is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tomodenoise.common.arrays import IntArray
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections

Members = tuple[int, ...]
Comparison = tuple[Members, Members, Members]
"""Sections to give to the model, and two groups of the others to compare its result with."""

FEW_TOUCHING = 0.1
"""Two sections count as separate in time if they have at most this many pairs of consecutive frames, relative to the
most that any two sections have."""


@dataclass(frozen=True)
class Groups:
    """Numbers of the sections in each role."""

    given: Members
    """Input of the model."""
    targets: Members
    """All others."""
    twins: tuple[Members, Members] | None
    """The targets in two parts; None for fewer than three sections."""
    whole: Members
    """All data of the product."""
    neighbours: tuple[Comparison, ...] = ()
    """Pairs of sections with the most consecutive frames."""
    apart: tuple[Comparison, ...] = ()
    """Pairs of sections with hardly any; empty if `neighbours` have none either."""
    inputs: tuple[Members, ...] = ()
    """All sections but the last one, then these without each of them: inputs whose results the last one can judge."""


def choose(scan: Sections) -> Groups:
    """Give the model half of the data, and split the other half into twins if there are three sections or more.

    The noise is compared for pairs of sections for which all reconstructions are stored: any pair where
    reconstructions are additive; with four sections of an iterative algorithm only every other one.
    """
    count = len(scan.split.sections)
    whole = tuple(range(count))
    role = by_angle.halves(count)
    twins = by_angle.apart(role)
    if twins is None:
        return Groups(role.inputs, role.targets, None, whole)

    def compared(i: int, j: int) -> Comparison:
        return tuple(sorted({*whole} - {i, j})), (i,), (j,)

    most = whole[:-1]
    inputs = (most, *combinations(most, count - 2))
    near, apart = _pairs(
        [section.indices for section in scan.split.sections],
        [(i, j) for i, j in combinations(whole, 2) if all(map(scan.holds, compared(i, j)))],
    )
    return Groups(
        role.inputs,
        role.targets,
        (twins[0].targets, twins[1].targets),
        whole,
        tuple(compared(*pair) for pair in near),
        tuple(compared(*pair) for pair in apart),
        inputs if all(map(scan.holds, (*inputs, whole[-1:]))) else (),
    )


def of_steps(distance: int) -> Groups:
    """Give the model a whole time step and compare with the steps at ``distance`` before and after it."""
    last = 2 * distance
    return Groups((distance,), (0, last), ((0,), (last,)), (distance,))


def _pairs(
    sections: Sequence[IntArray], possible: Sequence[tuple[int, int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Choose, from the possible pairs, those with the most consecutive frames and those with hardly any."""
    owner = np.concatenate([np.full(len(indices), number) for number, indices in enumerate(sections)])
    order = owner[np.argsort(np.concatenate(sections))]
    touching = np.zeros((len(sections), len(sections)))
    np.add.at(touching, (order[:-1], order[1:]), 1)
    touching += touching.T
    few = FEW_TOUCHING * max(touching[pair] for pair in combinations(range(len(sections)), 2))
    pairs = sorted(possible, key=lambda pair: -touching[pair])
    far = [pair for pair in pairs[::-1] if touching[pair] <= few]
    return _disjoint(pairs), [] if len(far) == len(pairs) else _disjoint(far)


def _disjoint(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the first pair, and the next one that has no section in common with it."""
    return [*pairs[:1], *[pair for pair in pairs[1:] if not {*pair} & {*pairs[0]}][:1]]
