"""Apply a model to a scan: rows stream through it, and each one is read once.

A shard is a file that one job writes at once, so a slab's rows are collected; reading, computing and collecting
go on at the same time.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common import devices, prefetch
from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import tile_plan, tiling
from tomodenoise.denoising.tile_plan import READ_AT_ONCE
from tomodenoise.networks import symmetries
from tomodenoise.networks.models import Model
from tomodenoise.storage import grid
from tomodenoise.storage.sections import Sections, mix

MEMORY_SHARE = 0.5
"""Of a graphics card's free memory that one pass is planned to fill: convolutions ask for workspace beside it."""


class Rows(NamedTuple):
    """Consecutive rows of a scan."""

    full: list[FloatArray]
    """The full reconstruction, (channel, y, x) each, attenuation per pixel."""
    inputs: Tensor
    """(input, z, image, y, x) on the device, normalised: what the network is applied to. The images of a slice are its
    time steps, and their channels."""


Pairs = Iterator[tuple[FloatArray, FloatArray]]


def denoise(
    model: Model, scan: Sections, rows: tuple[int, int], *, time: int = 0, mode: str = "full", ensemble: int = 1
) -> Pairs:
    """Denoise rows of a volume.

    Parameters
    ----------
    rows : first and last plus one. Beyond the ends of the volume the outermost slice is repeated, as in training.
    time : step of a dynamic scan. Beyond the ends of the series the outermost step is repeated.
    mode : what the network is applied to. `full` is the reconstruction of all projections; `sections` every input
        of training in turn, the results being averaged; `section` the first of these inputs alone.
    ensemble : 8 averages over the flips and quarter turns of slices, 1 takes them as they are.

    Yields
    ------
    The slices in order, before and after: (channel, y, x) float32, attenuation per pixel. Before is the full
    reconstruction.
    """
    needed = tile_plan.rows_read(model.spec, *rows, scan.depth)
    stages = _volumetric if model.spec.volumetric else _planar
    read = prefetch.ahead(_read(model, scan.around(time, model.spec.steps), needed, mode))
    results = stages(model, read, rows, scan.depth, predictor(model, ensemble))
    # A processor has nothing to wait for, and outside of its first thread glibc takes every large tensor anew.
    for full, denoised in results if model.device.type == "cpu" else prefetch.ahead(results):
        yield from zip(full, denoised, strict=True)


def predictor(model: Model, ensemble: int = 1) -> tiling.Network:
    """Network as inference applies it: in the device's precision, averaged over flips and quarter turns of (y, x)."""
    elements = symmetries.square()[:ensemble]

    def turned(images: Tensor, element: symmetries.Turn) -> Tensor:
        with devices.autocast(images.device):
            result = model.network(symmetries.apply(images, element))
        return symmetries.apply(result.float(), symmetries.inverse(element))

    def predict(images: Tensor) -> Tensor:
        total = turned(images, elements[0])
        for element in elements[1:]:
            total += turned(images, element)
        return total / len(elements)

    return predict


def _planar(
    model: Model, read: Iterable[Rows], rows: tuple[int, int], depth: int, network: tiling.Network
) -> Iterator[tuple[list[FloatArray], FloatArray]]:
    spec, half = model.spec, model.spec.slices // 2
    memory = _memory(model.device)
    runs = _runs(rows)
    blocks = _blocks(read, [grid.with_halo(*run, half, depth) for run in runs])
    for (start, stop), block in zip(runs, blocks, strict=True):
        first = max(0, start - half)
        around = torch.from_numpy(grid.repeated_edge(start - half, stop + half, depth) - first).to(model.device)
        tile = tile_plan.core(spec, (block.inputs.shape[3], block.inputs.shape[4]), memory)
        results = [tiling.denoise_slices(network, spec, each[around], tile, memory) for each in block.inputs]
        yield block.full[start - first : stop - first], _finished(model, results)


def _volumetric(
    model: Model, read: Iterable[Rows], rows: tuple[int, int], depth: int, network: tiling.Network
) -> Iterator[tuple[list[FloatArray], FloatArray]]:
    """Denoise layer after layer of cubes; rows leave as soon as no later layer has a part in them."""
    layers = grid.touching(tile_plan.layers(model.spec, depth), *rows)
    blocks = _blocks(read, [(layer.start, layer.stop) for layer in layers])
    ends = [*(layer.start for layer in layers[1:]), rows[1]]
    carried: list[Tensor] = []
    for layer, end, block in zip(layers, ends, blocks, strict=True):
        weights = torch.from_numpy(layer.weights)[:, None, None, None].to(model.device)
        results = [weights * tiling.denoise_layer(network, model.spec, each) for each in block.inputs]
        for result, earlier in zip(results, carried, strict=False):
            result[: len(earlier)] += earlier
        leaving = slice(max(rows[0] - layer.start, 0), min(end, rows[1]) - layer.start)
        carried = [result[end - layer.start :] for result in results]
        yield block.full[leaving], _finished(model, [result[leaving] for result in results])


def _runs(rows: tuple[int, int]) -> list[tuple[int, int]]:
    """Cut rows into runs that begin with the chunks of the array, whatever slab they are of."""
    size = READ_AT_ONCE
    edges = [rows[0], *range((rows[0] // size + 1) * size, rows[1], size), rows[1]]
    return list(pairwise(edges))


def _read(model: Model, steps: Sequence[Sections], rows: tuple[int, int], mode: str) -> Iterator[Rows]:
    for start, stop in _runs(rows):
        images = []
        for number, step in enumerate(steps):
            read, inputs = _step(model, step, (start, stop), mode)
            images.append(inputs)
            if number == len(steps) // 2:
                full = list(read)
        yield Rows(full, torch.cat(images, dim=2) if len(images) > 1 else images[0])


def _step(model: Model, scan: Sections, rows: tuple[int, int], mode: str) -> tuple[FloatArray, Tensor]:
    """Read rows of one time step, or of all of a static scan: its full reconstruction, and what `Rows` has of it."""
    roles = [scan.mixing(role.inputs) for role in scan.split.roles]
    weights = {"full": [], "sections": roles, "section": roles[:1]}[mode]
    sections = scan.read(*rows)
    full = mix(sections, scan.shares).swapaxes(0, 1)
    inputs = np.stack([mix(sections, each).swapaxes(0, 1) for each in weights]) if weights else full[None]
    return full, model.normalisation.apply(torch.from_numpy(inputs).to(model.device), axis=2)


def _blocks(read: Iterable[Rows], needs: Iterable[tuple[int, int]]) -> Iterator[Rows]:
    """Hold just the rows that are worked on: a block for each of the ascending needs, (start, stop)."""
    chunks = iter(read)
    full, inputs = next(chunks)
    first: int | None = None
    for start, stop in needs:
        gone = 0 if first is None else start - first
        full, inputs, first = full[gone:], inputs[:, gone:], start
        while len(full) < stop - start:
            more = next(chunks)
            full, inputs = full + more.full, torch.cat([inputs, more.inputs], dim=1)
        yield Rows(full[: stop - start], inputs[:, : stop - start])


def _finished(model: Model, results: list[Tensor]) -> FloatArray:
    """Mean over the inputs, in attenuation per pixel, on the host."""
    mean = torch.stack(results).mean(0) if len(results) > 1 else results[0]
    return np.asarray(model.normalisation.undo(mean, axis=1).cpu().numpy())


def _memory(device: torch.device) -> int | None:
    free = devices.free_memory(device)
    return None if free is None else int(MEMORY_SHARE * free)
