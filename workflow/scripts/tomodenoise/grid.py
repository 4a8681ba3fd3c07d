"""Arithmetic of slabs, halos, tiles and pyramid levels: whole numbers only, no array, no file."""

import math
from dataclasses import dataclass

import numpy as np

from tomodenoise.arrays import BoolArray, IntArray

SHARD_BYTES = 1 << 30
"""What one job writes at a time, about: a job must cost far more than its start."""


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


def tiles(shape: tuple[int, int], size: int, halo: int, multiple: int) -> tuple[Tile, ...]:
    """Cover an image by tiles that give the same result as the whole image.

    Parameters
    ----------
    shape : (y, x) of the image.
    size : length of a core's sides, pixels.
    halo : how far a result pixel looks, pixels.
    multiple : grid on which the network pools. Windows start and stop on it in all tiles alike.

    Returns
    -------
    Tiles whose cores are disjoint and together the image; each window holds its core and the halo around it.
    """

    def axis(length: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        cores = [(start, min(start + size, length)) for start in range(0, length, size)]
        return [((a, b), ((a - halo) // multiple * multiple, -(-(b + halo) // multiple) * multiple)) for a, b in cores]

    return tuple(Tile((y, x), (wy, wx)) for y, wy in axis(shape[0]) for x, wx in axis(shape[1]))


def pyramid(shape: tuple[int, int, int], smallest: int = 256) -> tuple[tuple[int, int, int], ...]:
    """Shapes (z, y, x) of a pyramid that halves every axis until no side of a slice exceeds ``smallest``.

    An odd length is halved upwards; an axis of length one stays.
    """
    levels = [shape]
    while max(levels[-1][1:]) > smallest:
        z, y, x = levels[-1]
        levels.append((-(-z // 2), -(-y // 2), -(-x // 2)))
    return tuple(levels)


def field_of_view(size: int, radius: float) -> BoolArray:
    """Pixels of a ``size`` x ``size`` slice that every projection has seen: the disc around the rotation axis."""
    offset = np.arange(size) - (size - 1) / 2
    return np.asarray(offset[:, None] ** 2 + offset[None, :] ** 2 <= radius**2)


def visible_radius(columns: int, center: float) -> float:
    """Radius, in pixels, of the disc around the axis at column ``center`` that a half-turn sees completely."""
    return min(center, columns - 1 - center)
