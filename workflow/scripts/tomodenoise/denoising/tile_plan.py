"""Tiles and cubes that cover a volume for a network, and the memory of a pass."""

import math

from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.storage import grid

READ_AT_ONCE = 8
"""Rows that are read together and, for a 2-D network, denoised together: a chunk of the array."""

CACHED = 512
"""Edge of a tile's core on a CPU, pixels, for networks of small reach.

With the U-Net three times as fast as 1024: larger tensors do not fit into caches and page tables.
"""

WINDOW_BYTES = 4 << 30
"""Memory of a window on a CPU, for networks of large reach."""

CUBE = 96
"""Smallest edge of the cubes of a volumetric network, voxels, unless memory is short."""

CUBE_BYTES = 4 << 30
"""Memory of a cube; limits its edge where the reach is large. The same on all devices, as slabs depend on it."""


def pixel_bytes(spec: Spec) -> int:
    """Return the bytes of a pass in float32 per pixel or voxel of its window, a slight overestimate."""
    return 4 * NETWORKS[spec.name].floats(spec)


def step_bytes(spec: Spec, batch: int, patch: int) -> int:
    """Return the bytes of a training step: with the activations kept for backpropagation 1.5 to 3.1 times a pass."""
    return int(3.2 * pixel_bytes(spec) * batch * patch**spec.dimensions)


def cube(spec: Spec) -> tuple[int, int]:
    """Return the edge of a volumetric network's cubes and the overlap of neighbours, voxels.

    The overlap is the network's reach, beyond which no voxel depends on the border of its cube, unless cubes of four
    times the reach are too large.
    """
    network = NETWORKS[spec.name]
    multiple = network.multiple(spec)
    reach = network.reach(spec)
    largest = round((CUBE_BYTES / pixel_bytes(spec)) ** (1 / 3))
    wanted = CUBE if reach is None else max(CUBE, 4 * reach)
    edge = max(min(wanted, largest) // multiple, 1) * multiple
    return edge, edge // 4 if reach is None else min(reach, edge // 4)


def rows_read(spec: Spec, start: int, stop: int, depth: int) -> tuple[int, int]:
    """Return the rows of a volume, [start, stop), that are needed to denoise the rows ``start:stop``."""
    if not spec.volumetric:
        return grid.with_halo(start, stop, spec.slices // 2, depth)
    pieces = grid.touching(layers(spec, depth), start, stop)
    return pieces[0].start, pieces[-1].stop


def core(spec: Spec, shape: tuple[int, int], memory: int | None) -> int:
    """Choose the edge of the tiles' cores; it changes no result.

    Parameters
    ----------
    shape : (y, x) of a slice.
    memory : bytes of a GPU that one pass may use, None on a CPU.

    Returns
    -------
    Pixels: the whole slice where it fits, or where an output depends on all of it.
    """
    halo = NETWORKS[spec.name].reach(spec)
    if halo is None:
        return max(shape)
    if memory is None and halo <= CACHED // 4:
        return min(CACHED, max(shape))
    pixels = (memory or WINDOW_BYTES) // pixel_bytes(spec)
    if _largest(spec, shape, max(shape)) <= pixels:
        return max(shape)
    window = math.isqrt(pixels)
    return min(max(window - 2 * (halo + NETWORKS[spec.name].multiple(spec)), halo + 1), max(shape))


def slices_at_once(spec: Spec, window: tuple[int, int], memory: int | None) -> int:
    """Return the number of slices in one pass: as many as a GPU holds, but one on a CPU, where more are slower.

    On one thread the U-Net took 1.9 times as long for 8 slices of 256 x 256 together as one by one, and 1.1 to 1.2
    times as long at 64 x 64 and 128 x 128.
    """
    if memory is None:
        return 1
    return min(max(memory // (window[0] * window[1] * pixel_bytes(spec)), 1), READ_AT_ONCE)


def windows(spec: Spec, shape: tuple[int, int], size: int) -> tuple[grid.Tile, ...]:
    """Return tiles with cores of ``size`` pixels on which the network gives the same result as on the whole image."""
    network = NETWORKS[spec.name]
    halo = network.reach(spec)
    multiple = network.multiple(spec)
    if halo is None:
        return grid.tiles(shape, max(shape), 0, multiple)
    return grid.tiles(shape, size, halo, multiple, clipped=network.continues_itself)


def extent(spec: Spec, length: int) -> int:
    """Return the length of cubes along an axis: their edge, or a shorter axis rounded up to the pooling grid."""
    multiple = NETWORKS[spec.name].multiple(spec)
    return min(cube(spec)[0], -(-length // multiple) * multiple)


def layers(spec: Spec, length: int) -> tuple[grid.Piece, ...]:
    """Return the layers of cubes along an axis of a volume; they are the same for every slab."""
    edge = extent(spec, length)
    return grid.overlapping(length, edge, min(cube(spec)[1], edge - 1))


def window_bytes(spec: Spec, shape: tuple[int, int]) -> int:
    """Return the bytes of one pass of the network on a CPU, over slices of this shape."""
    if spec.volumetric:
        return pixel_bytes(spec) * cube(spec)[0] ** 3
    return pixel_bytes(spec) * max(_largest(spec, shape, core(spec, shape, None)), CACHED**2)


def _largest(spec: Spec, shape: tuple[int, int], size: int) -> int:
    """Return the pixels of the largest window of tiles with cores of ``size`` pixels."""
    return max(math.prod(stop - start for start, stop in tile.window) for tile in windows(spec, shape, size))
