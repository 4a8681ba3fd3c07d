"""Application of a model to a scan: rows stream through it, and each one is read once.

Reading and computing overlap in time. Sections go to the device as they are read, and their means are formed there.
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
from tomodenoise.storage.sections import Sections

MEMORY_SHARE = 0.5
"""Share of a GPU's free memory that one pass is planned to fill; convolutions need workspace in addition."""


class Rows(NamedTuple):
    """Consecutive rows of a scan."""

    full: list[FloatArray]
    """The full reconstruction, (channel, y, x) each, attenuation per pixel."""
    inputs: Tensor
    """(input, z, image, y, x) normalised input of the network, on the device. The images of a slice are the channels
    of its time steps."""


Pairs = Iterator[tuple[FloatArray, FloatArray]]


def denoise(
    model: Model,
    scan: Sections,
    rows: tuple[int, int],
    *,
    time: int = 0,
    mode: str = "full",
    ensemble: int = 1,
    threads: int = 1,
) -> Pairs:
    """Denoise rows of a volume.

    Parameters
    ----------
    rows : [start, stop). Beyond the ends of the volume the outermost slice is repeated, as in training.
    time : step of a dynamic scan. Beyond the ends of the series the outermost step is repeated.
    mode : input of the network. `full` is the reconstruction of all projections; `sections` each input of training
        in turn, with the results averaged; `section` the first of these inputs only.
    ensemble : 8 averages over the flips and quarter turns of slices; 1 does not.
    threads : number of threads that read; changes no result.

    Yields
    ------
    The slices in order, before and after denoising: (channel, y, x) float32, attenuation per pixel. Before is the full
    reconstruction.
    """
    needed = tile_plan.rows_read(model.spec, *rows, scan.depth)
    stages = _volumetric if model.spec.volumetric else _planar
    read = prefetch.ahead(_read(model, scan.around(time, model.spec.steps), needed, mode, threads))
    results = stages(model, read, rows, scan.depth, predictor(model, ensemble))
    # A CPU has nothing to wait for, and outside the main thread glibc allocates every large tensor from scratch.
    for full, denoised in results if model.device.type == "cpu" else prefetch.ahead(results):
        yield from zip(full, denoised, strict=True)


def volume(
    model: Model, scan: Sections, rows: tuple[int, int], *, time: int = 0, mode: str = "full", ensemble: int = 1
) -> FloatArray:
    """Denoise rows of a volume that fit into memory, see `denoise`: (channel, z, y, x) float32."""
    pairs = denoise(model, scan, rows, time=time, mode=mode, ensemble=ensemble)
    return np.stack([after for _, after in pairs], axis=1)


def predictor(model: Model, ensemble: int = 1) -> tiling.Network:
    """Return the network as inference applies it: in the device's precision, averaged over symmetries of (y, x)."""
    elements = symmetries.square()[:ensemble]

    def turned(images: Tensor, element: symmetries.Turn) -> Tensor:
        with devices.autocast(images.device):
            result = model.network(symmetries.apply(images, element))
        return symmetries.apply(result.float(), symmetries.inverse(element))

    def predict(images: Tensor) -> Tensor:
        total = turned(images, elements[0])
        for element in elements[1:]:
            total += turned(images, element)
        return total / len(elements) if len(elements) > 1 else total

    return predict


def _planar(
    model: Model, read: Iterable[Rows], rows: tuple[int, int], depth: int, network: tiling.Network
) -> Iterator[tuple[list[FloatArray], FloatArray]]:
    spec = model.spec
    half = spec.slices // 2
    memory = _memory(model.device)
    runs = _runs(rows)
    blocks = _blocks(read, [grid.with_halo(*run, half, depth) for run in runs])
    for (start, stop), block in zip(runs, blocks, strict=True):
        first = max(0, start - half)
        around = torch.from_numpy(grid.repeated_edge(start - half, stop + half, depth) - first).to(model.device)
        tile = tile_plan.core(spec, (block.inputs.shape[3], block.inputs.shape[4]), memory)
        results = [tiling.denoise_slices(network, spec, images[around], tile, memory) for images in block.inputs]
        yield block.full[start - first : stop - first], _finished(model, results)


def _volumetric(
    model: Model, read: Iterable[Rows], rows: tuple[int, int], depth: int, network: tiling.Network
) -> Iterator[tuple[list[FloatArray], FloatArray]]:
    """Denoise layer after layer of cubes; rows are yielded as soon as no later layer overlaps them."""
    layers = grid.touching(tile_plan.layers(model.spec, depth), *rows)
    blocks = _blocks(read, [(layer.start, layer.stop) for layer in layers])
    ends = [*(layer.start for layer in layers[1:]), rows[1]]
    carried: list[Tensor] = []
    for layer, end, block in zip(layers, ends, blocks, strict=True):
        weights = torch.from_numpy(layer.weights)[:, None, None, None].to(model.device)
        results = [weights * tiling.denoise_layer(network, model.spec, images) for images in block.inputs]
        for result, earlier in zip(results, carried, strict=False):
            result[: len(earlier)] += earlier
        leaving = slice(max(rows[0] - layer.start, 0), min(end, rows[1]) - layer.start)
        carried = [result[end - layer.start :] for result in results]
        yield block.full[leaving], _finished(model, [result[leaving] for result in results])


def _runs(rows: tuple[int, int]) -> list[tuple[int, int]]:
    """Split rows into runs at the chunk borders of the array, whichever slab they belong to."""
    size = READ_AT_ONCE
    edges = [rows[0], *range((rows[0] // size + 1) * size, rows[1], size), rows[1]]
    return list(pairwise(edges))


def _read(model: Model, steps: Sequence[Sections], rows: tuple[int, int], mode: str, threads: int) -> Iterator[Rows]:
    space: Tensor | None = None
    for start, stop in _runs(rows):
        images = []
        for number, step in enumerate(steps):
            space = _space(space, step.shape(stop - start), model.device)
            step.read(start, stop, threads=threads, out=space.numpy())
            read, inputs = _step(model, step, space.to(model.device, non_blocking=True), mode)
            images.append(inputs)
            if number == len(steps) // 2:
                full = list(devices.to_host(read).numpy())
        yield Rows(full, torch.cat(images, dim=2) if len(images) > 1 else images[0])


def _space(last: Tensor | None, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Return memory to read into: the last one on a CPU, where new memory takes longer than the copy into it.

    A copy from the last one to a GPU may be under way.
    """
    fits = last is not None and last.shape == shape and device.type == "cpu"
    return last if last is not None and fits else devices.host_buffer(shape, device)


def _step(model: Model, scan: Sections, sections: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    """Average rows of a time step or static scan to its full reconstruction, and its share of `Rows.inputs`."""
    most = max(len(role.inputs) for role in scan.split.roles)
    roles = [scan.mixing(role.inputs) for role in scan.split.roles if len(role.inputs) == most]
    weights = {"full": [], "sections": roles, "section": roles[:1]}[mode]
    full = mean(sections, scan.shares).transpose(0, 1)
    inputs = torch.stack([mean(sections, role).transpose(0, 1) for role in weights]) if weights else full[None]
    return full, model.normalisation.apply(inputs, axis=2)


def mean(sections: Tensor, weights: FloatArray) -> Tensor:
    """Return the weighted mean of stored reconstructions, (S, …) to (…), with the bits of `sections.mix`."""
    mixed, weighted = torch.zeros_like(sections[0]), torch.empty_like(sections[0])
    for section, weight in zip(sections, weights.tolist(), strict=True):
        if weight:
            mixed += torch.mul(section, weight, out=weighted)
    return mixed


def _blocks(read: Iterable[Rows], needs: Iterable[tuple[int, int]]) -> Iterator[Rows]:
    """Yield a block for each of the ascending ranges [start, stop), holding only the rows in use."""
    chunks = iter(read)
    full, inputs = next(chunks)
    first: int | None = None
    for start, stop in needs:
        gone = 0 if first is None else start - first
        full = full[gone:]
        inputs = inputs[:, gone:]
        first = start
        while len(full) < stop - start:
            more = next(chunks)
            full = full + more.full
            inputs = torch.cat([inputs, more.inputs], dim=1)
        yield Rows(full[: stop - start], inputs[:, : stop - start])


def _finished(model: Model, results: list[Tensor]) -> FloatArray:
    """Average over the inputs and convert to attenuation per pixel, on the host; overwrites a single result."""
    average = torch.stack(results).mean(0) if len(results) > 1 else results[0]
    return np.asarray(devices.to_host(model.normalisation.undo(average, axis=1, out=average)).numpy())


def _memory(device: torch.device) -> int | None:
    free = devices.free_memory(device)
    return None if free is None else int(MEMORY_SHARE * free)
