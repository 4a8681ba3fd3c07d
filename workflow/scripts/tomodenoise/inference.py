"""Apply a model to slices: streamed over z, tiled in y and x, without seams."""

from collections.abc import Iterator

import numpy as np
import torch

from tomodenoise import grid, networks
from tomodenoise.arrays import FloatArray
from tomodenoise.models import Model
from tomodenoise.sections import Sections, mix

TILE = 512
"""Edge of a tile's core, pixels: bounds the memory of the network and changes no result.

Three times as fast as 1024 on a processor, whose caches and page tables larger tensors outgrow.
"""

READ_AT_ONCE = 8
"""Rows that are read together: a chunk of the array."""


def denoise(
    model: Model, scan: Sections, rows: tuple[int, int], *, average: bool = False, tile: int = TILE
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Denoise rows of a volume.

    Parameters
    ----------
    rows : first and last plus one. Beyond the ends of the volume the outermost slice is repeated, as in training.
    average : apply the model to the inputs of training and average, instead of to the full reconstruction.
    tile : edge of the tiles, pixels.

    Yields
    ------
    The slices in order, before and after: (y, x) float32, attenuation per pixel.
    """
    half = model.spec.slices // 2
    inputs = [scan.mixing(role.inputs) for role in scan.split.roles] if average else [scan.shares]
    for start in range(rows[0], rows[1], READ_AT_ONCE):
        stop = min(start + READ_AT_ONCE, rows[1])
        first, last = grid.with_halo(start, stop, half, scan.depth)
        sections = scan.read(first, last)
        full = mix(sections, scan.shares)
        mixed = [mix(sections, weights) for weights in inputs] if average else [full]
        for row in range(start, stop):
            stack = grid.repeated_edge(row - half, row + half + 1, scan.depth) - first
            results = [denoise_slice(model, volume[stack], tile) for volume in mixed]
            yield full[row - first], np.mean(results, axis=0, dtype=np.float32) if average else results[0]


@torch.no_grad()
def denoise_slice(model: Model, stack: FloatArray, tile: int = TILE) -> FloatArray:
    """Denoise the middle slice of a stack, in tiles that agree with the whole.

    Parameters
    ----------
    stack : (slices, y, x) float32, attenuation per pixel.

    Returns
    -------
    (y, x) float32.

    Notes
    -----
    Every window holds the whole receptive field of its core and lies on the network's pooling grid. Outside of
    the image its edge pixels are repeated, so no core sees the zeros that pad a convolution.
    """
    device = next(model.network.parameters()).device
    shape = (stack.shape[1], stack.shape[2])
    result = np.empty(shape, dtype=np.float32)
    for part in grid.tiles(shape, tile, networks.reach(model.spec), networks.multiple(model.spec)):
        (y0, y1), (x0, x1) = part.core
        (wy, _), (wx, _) = part.window
        lines, columns = (grid.repeated_edge(*w, n) for w, n in zip(part.window, shape, strict=True))
        window = torch.from_numpy(stack[:, lines[:, None], columns[None, :]]).to(device)
        denoised = model(window[None].contiguous(memory_format=torch.channels_last))[0]
        result[y0:y1, x0:x1] = denoised[y0 - wy : y1 - wy, x0 - wx : x1 - wx].cpu().numpy()
    return result
