"""Arithmetic of slabs, halos, tiles and pyramid levels: whole numbers only, no array, no file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray

SHARD_BYTES = 1 << 30
"""What one job writes at a time, about: a job must cost far more than its start."""

COARSEST = 256
"""Edge in pixels of the largest slice that a pyramid may end with."""


@dataclass(frozen=True)
class Slab:
    """Consecutive rows ``start:stop`` of a volume that one job works on."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True)
class Tile:
    """A rectangle of an image that is computed at once, and the larger window that it is computed from.

    Both are (start, stop) pairs in (y, x); the window may reach outside of the image.
    """

    core: tuple[tuple[int, int], tuple[int, int]]
    window: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Piece:
    """Entries ``start:stop`` of an axis that are computed at once and blended with their neighbours."""

    start: int
    stop: int
    weights: FloatArray
    """(stop - start,) float32; those of all pieces sum to one at every entry."""


def slabs(depth: int, rows: int) -> tuple[Slab, ...]:
    """Cut ``depth`` rows into slabs of ``rows``; the last one may be thinner."""
    return tuple(Slab(i, start, min(start + rows, depth)) for i, start in enumerate(range(0, depth, rows)))


def rows_per_slab(row_bytes: int, depth: int, shard_bytes: int = SHARD_BYTES) -> int:
    """Rows of the largest slab that is a power of two and fills no more than a shard; never more than needed."""
    fitting = max(1, shard_bytes // row_bytes)
    return int(min(2 ** int(math.log2(fitting)), 2 ** math.ceil(math.log2(max(depth, 1)))))


def covering(start: int, stop: int, rows: int) -> range:
    """Give the indices of the slabs of ``rows`` rows that hold the rows ``start:stop``."""
    return range(start // rows, -(-stop // rows))


def with_halo(start: int, stop: int, halo: int, depth: int) -> tuple[int, int]:
    """Widen ``start:stop`` by ``halo`` on both sides, as far as there are rows."""
    return max(0, start - halo), min(depth, stop + halo)


def repeated_edge(start: int, stop: int, length: int) -> IntArray:
    """Positions ``start:stop`` of an axis of ``length`` entries, the first and the last one repeated outside of it."""
    return np.clip(np.arange(start, stop), 0, length - 1)


def tiles(shape: tuple[int, int], size: int, halo: int, multiple: int, *, clipped: bool = False) -> tuple[Tile, ...]:
    """Cover an image by tiles that give the same result as the whole image.

    Parameters
    ----------
    shape : (y, x) of the image.
    size : length of a core's sides, pixels.
    halo : how far a result pixel looks, pixels.
    multiple : grid on which the network pools. Windows start and stop on it in all tiles alike.
    clipped : end the windows at the image, for a network that continues its image itself; ``multiple`` must be 1.

    Returns
    -------
    Tiles whose cores are disjoint and together the image; each window holds its core and the halo around it.
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
    """Cover an axis by pieces of one length that blend into each other.

    Parameters
    ----------
    length : entries of the axis.
    edge : entries of a piece. An axis that is shorter is one piece, of which the first ``length`` entries count.
    overlap : what neighbours share at least, less than ``edge``. The last piece ends with the axis and may share more.

    Returns
    -------
    Pieces in ascending order. Their weights are ramps over the overlap, divided by the sum over all pieces: a
    partition of unity up to both ends of the axis, where one piece alone counts in full.
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
    """Pick the pieces that hold any of the entries ``start:stop``: what these entries are blended from."""
    return tuple(piece for piece in pieces if piece.start < stop and piece.stop > start)


def pyramid(shape: tuple[int, int, int]) -> tuple[tuple[int, int, int], ...]:
    """Shapes (z, y, x) of a pyramid that halves every axis until no side of a slice exceeds `COARSEST`.

    An odd length is halved upwards; an axis of length one stays.
    """
    levels = [shape]
    while max(levels[-1][1:]) > COARSEST:
        z, y, x = levels[-1]
        levels.append((-(-z // 2), -(-y // 2), -(-x // 2)))
    return tuple(levels)
