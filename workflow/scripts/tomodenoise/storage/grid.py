"""Arithmetic of slabs, halos, tiles and pyramid levels, without any data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray

CHUNK = (8, 512, 512)
"""Inner chunk of a volume, (z, y, x): small enough for patches, large enough for efficient disk access."""

SHARD_BYTES = 1 << 30
"""Approximate amount that one job writes: a job must take far longer than its start."""

COARSEST = 256
"""Edge in pixels of the largest slice that a pyramid may end with."""


class Slab(NamedTuple):
    """Consecutive rows [start, stop) of a volume, the work of one job."""

    start: int
    stop: int


@dataclass(frozen=True)
class Tile:
    """Rectangle of an image that is computed at once, and the larger window that it is computed from.

    Both are (start, stop) pairs in (y, x); the window may extend beyond the image.
    """

    core: tuple[tuple[int, int], tuple[int, int]]
    window: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Piece:
    """Entries ``start:stop`` of an axis that are computed at once and blended with the neighbouring pieces."""

    start: int
    stop: int
    weights: FloatArray
    """(stop - start,) float32; the weights of all pieces sum to one at every entry."""


def slabs(depth: int, rows: int) -> tuple[Slab, ...]:
    """Cut ``depth`` rows into slabs of ``rows``; the last one may be thinner."""
    return tuple(Slab(start, min(start + rows, depth)) for start in range(0, depth, rows))


def rows_per_slab(row_bytes: int, depth: int, shard_bytes: int = SHARD_BYTES) -> int:
    """Return the rows of a slab: the largest power of two that fits into a shard, but no more than the depth needs."""
    fitting = max(1, shard_bytes // row_bytes)
    return int(min(2 ** int(math.log2(fitting)), 2 ** math.ceil(math.log2(max(depth, 1)))))


def covering(start: int, stop: int, rows: int) -> range:
    """Return the indices of the slabs of ``rows`` rows that hold the rows ``start:stop``."""
    return range(start // rows, -(-stop // rows))


def with_halo(start: int, stop: int, halo: int, depth: int) -> tuple[int, int]:
    """Widen ``start:stop`` by ``halo`` on both sides, as far as there are rows."""
    return max(0, start - halo), min(depth, stop + halo)


def repeated_edge(start: int, stop: int, length: int) -> IntArray:
    """Return the positions ``start:stop`` of an axis of ``length`` entries, with the ends repeated beyond it."""
    return np.clip(np.arange(start, stop), 0, length - 1)


def tiles(shape: tuple[int, int], size: int, halo: int, multiple: int, *, clipped: bool = False) -> tuple[Tile, ...]:
    """Cover an image with tiles that give the same result as the whole image.

    Parameters
    ----------
    shape : (y, x) of the image.
    size : edge of a core, pixels.
    halo : reach of a result pixel into its surroundings, pixels.
    multiple : pooling grid of the network, to which all windows are aligned.
    clipped : cut the windows at the border, for a network that pads the image itself; ``multiple`` must be 1.

    Returns
    -------
    Tiles whose cores are disjoint and cover the image; each window holds its core and the halo around it.
    """

    def window(start: int, stop: int, length: int) -> tuple[int, int]:
        if clipped:
            return with_halo(start, stop, halo, length)
        return (start - halo) // multiple * multiple, -(-(stop + halo) // multiple) * multiple

    def axis(length: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        cores = [(start, min(start + size, length)) for start in range(0, length, size)]
        return [(core, window(*core, length)) for core in cores]

    return tuple(Tile((y, x), (wy, wx)) for y, wy in axis(shape[0]) for x, wx in axis(shape[1]))


def overlapping(length: int, edge: int, overlap: int) -> tuple[Piece, ...]:
    """Cover an axis with pieces of equal length that are blended into each other.

    Parameters
    ----------
    length : number of entries of the axis.
    edge : number of entries of a piece. A shorter axis is one piece, of which the first ``length`` entries count.
    overlap : smallest overlap of neighbours, less than ``edge``; the last piece ends with the axis and may have more.

    Returns
    -------
    Pieces in ascending order. Their weights are ramps over the overlap, divided by the sum over all pieces: a
    partition of unity along the whole axis.
    """
    starts = [*range(0, length - edge, edge - overlap), max(0, length - edge)]
    position = np.arange(edge)
    ramp = np.minimum(1.0, (np.minimum(position, edge - 1 - position) + 1) / (overlap + 1))
    total = np.zeros(max(length, edge))
    for start in starts:
        total[start : start + edge] += ramp
    return tuple(
        Piece(start, min(start + edge, length), (ramp / total[start : start + edge]).astype(np.float32)[:length])
        for start in starts
    )


def touching(pieces: Sequence[Piece], start: int, stop: int) -> tuple[Piece, ...]:
    """Select the pieces that the entries ``start:stop`` are blended from."""
    return tuple(piece for piece in pieces if piece.start < stop and piece.stop > start)


def pyramid(shape: tuple[int, int, int]) -> tuple[tuple[int, int, int], ...]:
    """Return the shapes (z, y, x) of a pyramid that halves every axis until no side of a slice exceeds `COARSEST`.

    Odd lengths are rounded up; an axis of length one stays.
    """
    levels = [shape]
    while max(levels[-1][1:]) > COARSEST:
        z, y, x = levels[-1]
        levels.append((-(-z // 2), -(-y // 2), -(-x // 2)))
    return tuple(levels)
