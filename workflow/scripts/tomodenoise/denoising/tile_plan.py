"""How a network is laid over a volume: cores of tiles, cubes, and the memory of a pass of it."""

import math

from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.storage import grid

READ_AT_ONCE = 8
"""Rows that are read and, of a 2-D network, denoised together: a chunk of the array."""

CACHED = 512
"""Edge of a tile's core on a processor, pixels, where the network's reach is small beside it.

Three times as fast as 1024 with the U-Net: larger tensors outgrow the processor's caches and page tables.
"""

WINDOW_BYTES = 4 << 30
"""What a window of a network whose reach is large may take on a processor."""


CUBE = 96
"""Edge of the cubes of a volumetric network, voxels, where its reach asks for no larger ones."""

CUBE_BYTES = 4 << 30
"""What a cube may take: it bounds the edge where the reach is large. No device counts, as slabs are planned with it."""


def pixel_bytes(spec: Spec) -> int:
    """Bytes that a pass in float32 takes for each pixel or voxel of its window, rather too many."""
    return 4 * NETWORKS[spec.name].floats(spec)


def step_bytes(spec: Spec, batch: int, patch: int) -> int:
    """Bytes that a step of training takes: with what it keeps for the way back, 1.5 to 3.1 times those of a pass."""
    return int(3.2 * pixel_bytes(spec) * batch * patch**spec.dimensions)


def cube(spec: Spec) -> tuple[int, int]:
    """Edge of a volumetric network's cubes and the overlap of neighbours, voxels.

    The overlap is the network's reach where a cube of four times that is not too large: beyond it no voxel knows where
    its cube ends.
    """
    network = NETWORKS[spec.name]
    multiple = network.multiple(spec)
    reach = network.reach(spec)
    largest = round((CUBE_BYTES / pixel_bytes(spec)) ** (1 / 3))
    wanted = CUBE if reach is None else max(CUBE, 4 * reach)
    edge = max(min(wanted, largest) // multiple, 1) * multiple
    return edge, edge // 4 if reach is None else min(reach, edge // 4)


def rows_read(spec: Spec, start: int, stop: int, depth: int) -> tuple[int, int]:
    """Rows of a volume, first and last plus one, that denoising the rows ``start:stop`` needs."""
    if not spec.volumetric:
        return grid.with_halo(start, stop, spec.slices // 2, depth)
    pieces = grid.touching(layers(spec, depth), start, stop)
    return pieces[0].start, pieces[-1].stop


def core(spec: Spec, shape: tuple[int, int], memory: int | None) -> int:
    """Edge of the tiles' cores.

    Parameters
    ----------
    shape : (y, x) of a slice.
    memory : bytes of a graphics card that one pass may use, None on a processor.

    Returns
    -------
    Pixels: the whole slice where it fits, or where an output depends on all of it; changes no result.
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
    """Slices in one pass: as many as a graphics card holds, and one on a processor, which is slower at more.

    The U-Net on one thread took 1.9 times as long for 8 slices of 256 x 256 together as one by one, and 1.1 to 1.2
    times as long at 64 x 64 and 128 x 128.
    """
    if memory is None:
        return 1
    return min(max(memory // (window[0] * window[1] * pixel_bytes(spec)), 1), READ_AT_ONCE)


def windows(spec: Spec, shape: tuple[int, int], size: int) -> tuple[grid.Tile, ...]:
    """Tiles with cores of ``size`` pixels that this network gives the whole image's result on."""
    network = NETWORKS[spec.name]
    halo = network.reach(spec)
    multiple = network.multiple(spec)
    if halo is None:
        return grid.tiles(shape, max(shape), 0, multiple)
    return grid.tiles(shape, size, halo, multiple, clipped=network.continues_itself)


def extent(spec: Spec, length: int) -> int:
    """Length of cubes along an axis: their edge, or the axis up to the network's pooling grid where it is shorter."""
    multiple = NETWORKS[spec.name].multiple(spec)
    return min(cube(spec)[0], -(-length // multiple) * multiple)


def layers(spec: Spec, length: int) -> tuple[grid.Piece, ...]:
    """Layers of cubes along an axis of a volume; they do not depend on the slab that asks."""
    edge = extent(spec, length)
    return grid.overlapping(length, edge, min(cube(spec)[1], edge - 1))


def window_bytes(spec: Spec, shape: tuple[int, int]) -> int:
    """Bytes of one pass of the network on a processor, over slices of this shape."""
    if spec.volumetric:
        return pixel_bytes(spec) * cube(spec)[0] ** 3
    return pixel_bytes(spec) * max(_largest(spec, shape, core(spec, shape, None)), CACHED**2)


def _largest(spec: Spec, shape: tuple[int, int], size: int) -> int:
    """Pixels of the largest window of tiles with such cores."""
    return max(math.prod(stop - start for start, stop in tile.window) for tile in windows(spec, shape, size))
