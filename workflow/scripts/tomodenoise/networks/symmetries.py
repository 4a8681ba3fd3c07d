"""Symmetries that augment training data: rotations and mirrors of the square, rotations of the cube."""

from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Turn:
    """A signed permutation of axes."""

    axes: tuple[int, ...]
    """Axis of the original along which each axis of the result runs."""
    flips: tuple[bool, ...]
    """Whether it runs backwards."""


@cache
def square() -> tuple[Turn, ...]:
    """Return the eight symmetries of the square, mirrors included."""
    return _all(2)


@cache
def cube() -> tuple[Turn, ...]:
    """Return the 24 rotations of the cube, without mirrors: a mirrored sample may not exist."""
    return tuple(turn for turn in _all(3) if _determinant(turn) > 0)


def _all(dimensions: int) -> tuple[Turn, ...]:
    signs = list(product((False, True), repeat=dimensions))
    return tuple(Turn(axes, flips) for axes in permutations(range(dimensions)) for flips in signs)


def _determinant(turn: Turn) -> float:
    matrix = np.eye(len(turn.axes))[list(turn.axes)] * np.where(turn.flips, -1, 1)[:, None]
    return float(np.linalg.det(matrix))


def apply(images: Tensor, turn: Turn) -> Tensor:
    """Transform the last axes of images (…, y, x) or volumes (…, z, y, x); the result may be a view of them."""
    lead = images.ndim - len(turn.axes)
    turned = images.permute(*range(lead), *(lead + axis for axis in turn.axes))
    flipped = [lead + axis for axis, flip in enumerate(turn.flips) if flip]
    return turned.flip(flipped) if flipped else turned


def inverse(turn: Turn) -> Turn:
    """Return the inverse transform."""
    back = np.argsort(turn.axes)
    return Turn(tuple(int(axis) for axis in back), tuple(turn.flips[axis] for axis in back))
