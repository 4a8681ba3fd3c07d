"""How a network is laid over a volume: cores of tiles, cubes, and the memory of it. No torch: the workflow asks too."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tomodenoise import grid, specs
from tomodenoise.layout import Layout
from tomodenoise.specs import Spec

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

JUDGED_PIXELS = 2**25
"""Of slices that quality is judged on, at most, so that some dozen images of them fit into memory."""

FEWEST_JUDGED, MOST_JUDGED = 2, 32
"""Slices."""

FILTERING = 3e-6
"""Seconds that the slowest classical filter takes for a pixel, twice what was measured on one core."""

WATCHED = 4
"""Slices in the middle of a series that the report measures at every time step."""

SPEED = 2e10
"""Operations in a second that run times are planned with; networks reach 4e10 to 1.4e11 on one core."""


def pixel_bytes(spec: Spec) -> int:
    """Bytes that a pass takes for each pixel or voxel of its window, about and no less; measured in float32.

    A U-Net holds up to eight times its channels at full resolution: the skip, what comes from below, both together
    and two results; libraries round few channels up to 16. `msd` holds every channel there is, and beside them the
    sums that its taps are made of.
    """
    if spec.name == "msd":
        return 4 * (4 * spec.inputs + 3 * (spec.channels - 1) + spec.width * spec.depth + max(90, 27 * spec.width))
    return 4 * (2 * spec.inputs + 3 * (spec.channels - 1) + 8 * max(spec.width, 16))


def operations(spec: Spec) -> float:
    """Operations of a pass for each pixel or voxel, those of the convolutions; too many for `unet_noskip`."""
    taps = 3.0**spec.dimensions
    if spec.name == "msd":
        return 2.0 * taps * spec.width * sum(spec.inputs + spec.width * layer for layer in range(spec.depth))
    channels = [spec.width * min(1 << level, 4) for level in range(spec.depth)]
    down = [(0.5**spec.dimensions) ** level for level in range(spec.depth)]
    encoders = zip(down, [spec.inputs, *channels], channels, strict=False)
    decoders = zip(down, (fine + coarse for fine, coarse in pairwise(channels)), channels, strict=False)
    return 2 * taps * sum(share * (inputs + out) * out for share, inputs, out in (*encoders, *decoders))


def step_bytes(spec: Spec, batch: int, patch: int) -> int:
    """Bytes that a step of training takes: with what it keeps for the way back, 1.5 to 3.1 times those of a pass."""
    return int(3.2 * pixel_bytes(spec) * batch * patch**spec.dimensions)


def cube(spec: Spec) -> tuple[int, int]:
    """Edge of a volumetric network's cubes and the overlap of neighbours, voxels.

    The overlap is the network's reach where a cube of four times that is not too large: beyond it no voxel knows where
    its cube ends.
    """
    multiple, reach = specs.multiple(spec), specs.reach(spec)
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
    halo = specs.reach(spec)
    if halo is None:
        return max(shape)
    if memory is None and halo <= CACHED // 4:
        return min(CACHED, max(shape))
    pixels = (memory or WINDOW_BYTES) // pixel_bytes(spec)
    if _largest(spec, shape, max(shape)) <= pixels:
        return max(shape)
    window = math.isqrt(pixels)
    return min(max(window - 2 * (halo + specs.multiple(spec)), halo + 1), max(shape))


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
    halo, multiple = specs.reach(spec), specs.multiple(spec)
    if halo is None:
        return grid.tiles(shape, max(shape), 0, multiple)
    return grid.tiles(shape, size, halo, multiple, clipped=specs.continues_itself(spec))


def extent(spec: Spec, length: int) -> int:
    """Length of cubes along an axis: their edge, or the axis up to the network's pooling grid where it is shorter."""
    multiple = specs.multiple(spec)
    return min(cube(spec)[0], -(-length // multiple) * multiple)


def layers(spec: Spec, length: int) -> tuple[grid.Piece, ...]:
    """Layers of cubes along an axis of a volume; they do not depend on the slab that asks."""
    edge = extent(spec, length)
    return grid.overlapping(length, edge, min(cube(spec)[1], edge - 1))


def reconstructing(layout: Layout, *, additive: bool) -> float:
    """Count the float32 that a job which reconstructs a slab of a block of sections holds on a processor.

    Notes
    -----
    The slab, and what it becomes while it is written; its sinograms, and those of one union of sections; the gridding
    matrices of the union with the most projections, at most a gigabyte, and as much while they are built, of two kinds
    for iterations; a few slices in work.
    """
    angles, kinds = (layout.step_angles / layout.each, 1) if additive else (layout.step_angles, 2)
    a_step = 2.5 * layout.each * layout.size**2 + 1.5 * layout.step_angles * layout.columns
    slab = layout.rows * layout.blocks[0].stop * layout.channels * a_step
    matrices = min(32 * angles * layout.size, 2**28)
    return slab + 2 * kinds * matrices + 24 * layout.size**2


def denoising(spec: Spec, layout: Layout, mode: str) -> float:
    """Count the float32 that a job which denoises a slab of a block of time steps holds on a processor.

    Parameters
    ----------
    mode : `denoise.input` of the configuration.

    Notes
    -----
    The slab and its compressed copy; sections and their means as they are read, ahead of those that are worked on; the
    block in work, its results and those that wait to be collected; one pass of the network. What each further time step
    takes was measured.
    """
    inputs = {"full": 0, "sections": layout.each, "section": 1}[mode] + 1
    block = cube(spec)[0] if spec.volumetric else READ_AT_ONCE + spec.slices - 1
    read = READ_AT_ONCE * (2 * layout.each + 3 * inputs * spec.steps)
    work = (2 * inputs + 3 + 6 * inputs * (spec.steps - 1)) * block
    rows = 2 * layout.image_rows * layout.blocks[0].stop + read + work
    return rows * layout.channels * layout.size**2 + window_bytes(spec, (layout.size, layout.size)) / 4


def judged(size: int, many: int = 1) -> int:
    """Slices of so many pixels a side, and of so many channels or steps, to judge quality on, if there are so many."""
    return min(max(JUDGED_PIXELS // (size**2 * many), FEWEST_JUDGED), MOST_JUDGED)


def judging(networks: Sequence[Spec], layout: Layout, mode: str, rivals: int = 0) -> float:
    """Count the float32 that a job which judges a scan holds: some dozen images of its slices, and denoising.

    Of several channels it holds the sections and four images beside these; of time steps those of three.

    Parameters
    ----------
    networks : of the models that are applied, one after the other.
    mode : as in `denoising`.
    rivals : how many filters and models are compared with.
    """
    images, channels = 20 + 3 * rivals, layout.channels
    stored = max(layout.each, min(layout.times, 3)) * channels + (4 * channels if channels > 1 else 0)
    pixels = min(judged(layout.size, channels), layout.depth) * layout.size**2
    return max(denoising(spec, layout, mode) for spec in networks) + (images + stored) * pixels


def judging_minutes(networks: Sequence[Spec], layout: Layout, denoise: Mapping[str, Any], filters: int = 0) -> float:
    """Tell what judging a scan takes on one slow core: passes of each model, six of the first, and filters.

    Two and those of the product for each time step, and once more for each channel.
    """
    pixels = min(judged(layout.size, layout.channels), layout.depth) * layout.size**2
    inputs = layout.each if denoise["input"] == "sections" else 1
    passes = [inputs + (6 if number == 0 else 2) for number in range(len(networks))]
    work = sum(count * operations(spec) for count, spec in zip(passes, networks, strict=True))
    if layout.times > 1 or layout.channels > 1:
        few = min(judged(layout.size, max(layout.times, layout.channels)), layout.depth) * layout.size**2
        work += layout.times * (inputs + 2) * operations(networks[0]) * few / pixels
    return pixels * (work * int(denoise["ensemble"]) / SPEED + 2 * filters * FILTERING) / 60


def denoising_minutes(spec: Spec, layout: Layout, denoise: Mapping[str, Any]) -> float:
    """Tell what denoising a slab takes on one slow core; ``denoise`` is that section of the configuration."""
    inputs = layout.each if denoise["input"] == "sections" else 1
    slices = layout.image_rows * layout.blocks[0].stop
    passes = slices * layout.size**2 * inputs * int(denoise["ensemble"])
    return operations(spec) * passes / SPEED / 60


def watched(depth: int) -> tuple[int, int]:
    """Rows in the middle of a volume that the report measures, first and last plus one."""
    middle = depth // 2
    return max(0, middle - WATCHED // 2), min(depth, middle + WATCHED // 2)


def watching(spec: Spec, layout: Layout) -> float:
    """Count the float32 that looking through a series holds: some slices of few steps, and small ones of all steps."""
    return (16 * (1 + layout.each) + spec.steps - 1) * WATCHED * layout.size**2 + 4 * layout.times * 256**2


def training(spec: Spec, scans: Sequence[Layout], train: Mapping[str, Any]) -> float:
    """Count the float32 that a process which trains a model holds on a processor.

    Parameters
    ----------
    scans : layouts of those that it learns from.
    train : that section of the configuration.

    Notes
    -----
    The sections in 16 bits, all of them or as many as it may hold, but two times eight rows at least; rows as they are
    read, normalised and rounded; a step.
    """
    row = max(scan.runs[1] * scan.channels * scan.size**2 for scan in scans)
    everything = sum(math.prod(scan.runs) * scan.channels * scan.size**2 * scan.depth for scan in scans) / 2
    held = min(everything, max(float(train["memory"]) * 2**28, (READ_AT_ONCE + spec.slices) * row))
    return 1.1 * held + 4 * READ_AT_ONCE * row + step_bytes(spec, train["batch"], train["patch"]) / 4


def copying_minutes(layout: Layout) -> int:
    """Tell what reading a volume and writing it in another format takes on a slow disk, 50 MB a second."""
    return math.ceil(4 * math.prod(layout.levels[0].shape) / 50e6 / 60)


def window_bytes(spec: Spec, shape: tuple[int, int]) -> int:
    """Bytes of one pass of the network on a processor, over slices of this shape."""
    if spec.volumetric:
        return pixel_bytes(spec) * cube(spec)[0] ** 3
    return pixel_bytes(spec) * max(_largest(spec, shape, core(spec, shape, None)), CACHED**2)


def _largest(spec: Spec, shape: tuple[int, int], size: int) -> int:
    """Pixels of the largest window of tiles with such cores."""
    return max(math.prod(stop - start for start, stop in tile.window) for tile in windows(spec, shape, size))
