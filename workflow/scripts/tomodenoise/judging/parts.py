"""Which sections a model is given to be judged, and which others the result is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tomodenoise.arrays import IntArray
from tomodenoise.sections import Sections
from tomodenoise.splitting import Split

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
    """Sections to be given, and two of the others with frames of one next to those of the other in time."""
    apart: tuple[tuple[Members, Members, Members], ...]
    """The same of sections without such frames."""


def parts(scan: Sections) -> Parts:
    """Choose what to give the model.

    Every other section where there are three at least and their reconstructions add up, so that two disjoint parts are
    left that see the whole circle evenly; else the first role of the training, which leaves one part.
    """
    count = len(scan.split.sections)
    if not scan.additive or count == 2:
        role = scan.split.roles[0]
        return Parts(role.inputs, role.targets, None, (), ())
    even, odd = tuple(range(0, count, 2)), tuple(range(1, count, 2))
    given, targets = (odd, even) if count == 3 else (even, odd)
    every = set(range(count))
    near, apart = (
        tuple((tuple(sorted(every - {i, j})), (i,), (j,)) for i, j in pairs)
        for pairs in _pairs([section.indices for section in scan.split.sections])
    )
    return Parts(given, targets, (targets[::2], targets[1::2]), near, apart)


def _pairs(sections: Sequence[IntArray]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Find pairs of sections with the most frames that follow on each other, and pairs with none or next to none."""
    owner = np.concatenate([np.full(len(indices), number) for number, indices in enumerate(sections)])
    order = owner[np.argsort(np.concatenate(sections))]
    touching = np.zeros((len(sections), len(sections)))
    np.add.at(touching, (order[:-1], order[1:]), 1)
    touching += touching.T
    pairs = sorted(combinations(range(len(sections)), 2), key=lambda pair: -touching[pair])
    few = FEW_TOUCHING * touching[pairs[0]]
    return _disjoint(pairs), _disjoint([pair for pair in pairs[::-1] if touching[pair] <= few])


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
