"""Which sections a model is given to be judged, and which others the result is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tomodenoise.common.arrays import IntArray
from tomodenoise.splitting import by_angle
from tomodenoise.splitting.model import Split
from tomodenoise.storage.sections import Sections

Members = tuple[int, ...]

FEW_TOUCHING = 0.1
"""Of the frames of two neighbouring sections that follow on each other, those that two sections apart may have."""


@dataclass(frozen=True)
class Parts:
    """Sections that the model is given, and others to compare the result with."""

    given: Members
    targets: Members
    """All others."""
    twins: tuple[Members, Members] | None
    """Two parts of the targets."""
    neighbours: tuple[tuple[Members, Members, Members], ...]
    """Sections to be given, and two of the others: those with most frames that follow on each other."""
    apart: tuple[tuple[Members, Members, Members], ...]
    """The same of sections without such frames; none where `neighbours` have none either."""


def parts(scan: Sections) -> Parts:
    """Choose what to give the model: the halves of the data, whose targets make twins where there are three sections.

    The pairs of sections whose noise is compared are among those of which everything is stored: any pair where
    reconstructions add up; with four sections of an iterative algorithm only every other one.
    """
    count = len(scan.split.sections)
    role = by_angle.halves(count)
    twins = by_angle.apart(role)
    if twins is None:
        return Parts(role.inputs, role.targets, None, (), ())
    every = set(range(count))

    def compared(i: int, j: int) -> tuple[Members, Members, Members]:
        return tuple(sorted(every - {i, j})), (i,), (j,)

    near, apart = _pairs(
        [section.indices for section in scan.split.sections],
        [(i, j) for i, j in combinations(range(count), 2) if all(map(scan.holds, compared(i, j)))],
    )
    first, second = (twin.targets for twin in twins)
    return Parts(
        role.inputs,
        role.targets,
        (first, second),
        tuple(compared(*pair) for pair in near),
        tuple(compared(*pair) for pair in apart),
    )


def _pairs(
    sections: Sequence[IntArray], able: Sequence[tuple[int, int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Choose among pairs those with the most frames that follow on each other, and those with none or next to none."""
    owner = np.concatenate([np.full(len(indices), number) for number, indices in enumerate(sections)])
    order = owner[np.argsort(np.concatenate(sections))]
    touching = np.zeros((len(sections), len(sections)))
    np.add.at(touching, (order[:-1], order[1:]), 1)
    touching += touching.T
    few = FEW_TOUCHING * max(touching[pair] for pair in combinations(range(len(sections)), 2))
    pairs = sorted(able, key=lambda pair: -touching[pair])
    far = [pair for pair in pairs[::-1] if touching[pair] <= few]
    return _disjoint(pairs), [] if len(far) == len(pairs) else _disjoint(far)


def _disjoint(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take the first two pairs that have no section in common."""
    taken: list[tuple[int, int]] = []
    for pair in pairs:
        if len(taken) < 2 and not {*pair} & {number for other in taken for number in other}:
            taken.append(pair)
    return taken


def union(split: Split, members: Sequence[int]) -> int:
    """Count the projections of some sections."""
    return sum(len(split.sections[number].indices) for number in members)
