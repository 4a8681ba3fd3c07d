"""Application of a network in tiles that match the whole slice, and in cubes that are blended."""

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common import devices
from tomodenoise.denoising import tile_plan
from tomodenoise.networks.specs import Spec
from tomodenoise.storage.grid import repeated_edge

Network = Callable[[Tensor], Tensor]


@torch.no_grad()
def denoise_slices(network: Network, spec: Spec, rows: Tensor, tile: int, memory: int | None = None) -> Tensor:
    """Denoise the middle slices of consecutive rows.

    Parameters
    ----------
    network : maps (n, slices x images, y, x) to (n, channels, y, x).
    rows : (n + slices - 1, images, y, x), normalised; the images of a slice are the channels of its time steps.
    tile : edge of the tiles' cores, pixels; changes no result.
    memory : bytes of a GPU that one pass may use, None on a CPU.

    Returns
    -------
    (n, channels, y, x) float32.

    Notes
    -----
    Each window covers the receptive field of its core and is aligned with the network's pooling grid. Beyond the image
    its edge pixels are repeated, so no core depends on the zero padding of convolutions.
    """
    shape = (rows.shape[2], rows.shape[3])
    result = torch.empty((len(rows) - spec.slices + 1, spec.channels, *shape), device=rows.device)
    stacks = rows.unfold(0, spec.slices, 1).permute(0, 4, 1, 2, 3)
    for part in tile_plan.windows(spec, shape, tile):
        (y0, y1), (x0, x1) = part.core
        (wy, wy1), (wx, wx1) = part.window
        at_once = tile_plan.slices_at_once(spec, (wy1 - wy, wx1 - wx), memory)
        # Always the same number of images, as the last bits of a convolution depend on it.
        images = devices.arranged(rows.new_zeros(at_once, spec.inputs, wy1 - wy, wx1 - wx))
        for first in range(0, len(stacks), at_once):
            chosen = stacks[first : first + at_once]
            _fill(images.view(at_once, *stacks.shape[1:3], *images.shape[2:])[: len(chosen)], chosen, part.window)
            core = network(images)[: len(chosen), :, y0 - wy : y1 - wy, x0 - wx : x1 - wx]
            result[first : first + at_once, :, y0:y1, x0:x1] = core
    return result


@torch.no_grad()
def denoise_layer(network: Network, spec: Spec, rows: Tensor) -> Tensor:
    """Denoise a layer of cubes, blended in y and x.

    Parameters
    ----------
    network : maps (1, images, z, y, x) to (1, channels, z, y, x).
    rows : (z, images, y, x), normalised, at most as many as a cube has. Short axes are padded by repeating edges.

    Returns
    -------
    (z, channels, y, x) float32.
    """
    depth, _, *shape = rows.shape
    edges = [tile_plan.extent(spec, length) for length in (depth, *shape)]
    result = torch.zeros((depth, spec.channels, *shape), device=rows.device)
    rows = rows[torch.from_numpy(repeated_edge(0, edges[0], depth)).to(rows.device)]
    for y, x in product(*(tile_plan.layers(spec, length) for length in shape)):
        cube = _cut(rows, ((y.start, y.start + edges[1]), (x.start, x.start + edges[2])))
        denoised = network(devices.arranged(cube.transpose(0, 1)[None]))[0].transpose(0, 1)
        weights = torch.from_numpy(np.outer(y.weights, x.weights)).to(rows.device)
        core = denoised[:depth, :, : len(y.weights), : len(x.weights)]
        result[..., y.start : y.stop, x.start : x.stop] += weights * core
    return result


Window = tuple[tuple[int, int], tuple[int, int]]


def _cut(rows: Tensor, window: Window) -> Tensor:
    """Cut a window (y, x) from all rows; beyond the image its edge pixels are repeated."""
    cut = rows.new_empty(*rows.shape[:-2], *(stop - start for start, stop in window))
    _fill(cut, rows, window)
    return cut


def _fill(cut: Tensor, images: Tensor, window: Window) -> None:
    """Copy a window (y, x) of images (…, y, x); beyond them their edge pixels are repeated."""
    inside = [slice(max(a, 0), min(b, n)) for (a, b), n in zip(window, images.shape[-2:], strict=True)]
    ys, xs = (slice(part.start - a, part.stop - a) for part, (a, _) in zip(inside, window, strict=True))
    cut[..., ys, xs] = images[..., inside[0], inside[1]]
    cut[..., : ys.start, xs] = cut[..., ys.start : ys.start + 1, xs]
    cut[..., ys.stop :, xs] = cut[..., ys.stop - 1 : ys.stop, xs]
    cut[..., : xs.start] = cut[..., xs.start : xs.start + 1]
    cut[..., xs.stop :] = cut[..., xs.stop - 1 : xs.stop]
