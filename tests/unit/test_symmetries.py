"""Eight symmetries of the square and 24 rotations of the cube: distinct, closed, exact, and taken back."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tomodenoise.common.arrays import IntArray
from tomodenoise.networks import symmetries
from tomodenoise.networks.symmetries import Turn

GROUPS = [symmetries.square(), symmetries.cube()]


def numbered(turns: Sequence[Turn]) -> torch.Tensor:
    dimensions = len(turns[0].axes)
    return torch.arange(4**dimensions).reshape(*(4,) * dimensions)


def matrix(turn: Turn) -> IntArray:
    """Where the turn takes the unit vectors, read off from what it does to the corners' coordinates."""
    dimensions = len(turn.axes)
    corners = torch.stack(torch.meshgrid(*[torch.tensor([-1, 1])] * dimensions, indexing="ij"))
    turned = symmetries.apply(corners, turn).flatten(1).double().numpy()
    return np.rint(turned @ np.linalg.pinv(corners.flatten(1).double().numpy())).astype(int)


def test_there_are_eight_and_twenty_four() -> None:
    assert [len(turns) for turns in GROUPS] == [8, 24]


@pytest.mark.parametrize("turns", GROUPS)
def test_all_are_distinct_and_one_after_another_gives_one_of_them(turns: Sequence[Turn]) -> None:
    volume = numbered(turns)
    results = {tuple(symmetries.apply(volume, turn).flatten().tolist()) for turn in turns}
    assert len(results) == len(turns)
    for first, second in itertools.product(turns, turns):
        both = symmetries.apply(symmetries.apply(volume, first), second)
        assert tuple(both.flatten().tolist()) in results


def test_the_cube_is_turned_and_never_mirrored() -> None:
    assert {round(float(np.linalg.det(matrix(turn)))) for turn in symmetries.cube()} == {1}
    signs = [round(float(np.linalg.det(matrix(turn)))) for turn in symmetries.square()]
    assert sorted(signs) == [-1] * 4 + [1] * 4


@pytest.mark.parametrize("turns", GROUPS)
def test_the_inverse_takes_a_turn_back(turns: Sequence[Turn]) -> None:
    dimensions = len(turns[0].axes)
    volume = torch.randn(2, 3, *range(4, 4 + dimensions))
    for turn in turns:
        turned = symmetries.apply(volume, turn)
        assert torch.equal(symmetries.apply(turned, symmetries.inverse(turn)), volume)


def test_the_first_turn_of_all_leaves_things_as_they_are() -> None:
    for turns in GROUPS:
        assert torch.equal(symmetries.apply(numbered(turns), turns[0]), numbered(turns))
