"""A square of a held-out slice, before and after the current network."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tomodenoise.common import devices
from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.blocks import busiest_square
from tomodenoise.networks.models import Normalisation
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.storage import grid
from tomodenoise.storage.sections import Sections, mix
from tomodenoise.training.dataset import Data
from tomodenoise.training.tasks import Task

SHARE = 0.005
"""Largest share of the training's time that all passes of the network through the square may take."""

PASS = 1 / 3
"""Time of a pass, relative to that of a training step of as many pixels."""

SMALLEST, LARGEST = 64, 512
"""Edge of the square, pixels."""

MARGIN = 16
"""Pixels at each edge of the square that are not shown: they see the zero padding of convolutions."""


@dataclass(frozen=True)
class View:
    """What is shown of a scan during a training."""

    scan: str
    """Folder of the scan's results."""
    row: int
    band: bool
    """Whether only a band through the axis is held out, see `HeldOut`."""
    before: FloatArray
    """(y, x) the full reconstruction, the mean of the channels, attenuation per pixel."""
    inputs: Tensor
    """Normalised input of the network, a single one, on its device."""
    norm: Normalisation
    slice: int
    """Position of the row among those of a volumetric network's output."""

    def after(self, network: nn.Module) -> FloatArray:
        """Denoise the square: (y, x), attenuation per pixel. Neither weights nor random numbers change."""
        with torch.no_grad(), devices.autocast(self.inputs.device):
            denoised = network(devices.arranged(self.inputs)).float()
        image = denoised[:, :, self.slice] if denoised.ndim == 5 else denoised
        return _shown(self.norm.undo(image, axis=1)[0].mean(dim=0).cpu().numpy())


def choose(task: Task, data: Data, device: torch.device) -> View:
    """Choose the square and read it: of the first scan, in the middle of the held-out rows and of the time steps.

    The square holds pixels that count, as near the axis as possible. It is smaller where a training is short.
    """
    scan, held_out, spec = task.scans[0], data.held_out[0], task.spec
    window = next(iter(task.windows), None) or (0, scan.split.times)
    rows = np.concatenate([np.arange(*run) for run in held_out.rows])
    row = int(rows[len(rows) // 2])
    around = _around(row, data.shape.size if spec.volumetric else spec.slices, scan.depth, inside=spec.volumetric)
    square = _square(held_out.mask, _edge(task, data, len(around) if spec.volumetric else 1))
    steps = scan.around(sum(window) // 2, spec.steps)
    cut = torch.from_numpy(np.stack([_cut(step, around, square) for step in steps]))
    place = int(np.flatnonzero(around == row)[0])
    before = cut[len(steps) // 2, place].mean(dim=0).numpy()
    images = data.norm.apply(cut, axis=2).to(device)
    if spec.volumetric:
        inputs = images.transpose(1, 2).flatten(0, 1)[None]
    else:
        inputs = images.transpose(0, 1).flatten(0, 2)[None]
    return View(scan.array.parent.name, row, held_out.band, _shown(before), inputs, data.norm, place)


def _edge(task: Task, data: Data, rows: int) -> int:
    """Return the edge of the square, pixels, a multiple of the network's pooling grid; ``rows`` of it are denoised."""
    settings, multiple = task.settings, NETWORKS[task.spec.name].multiple(task.spec)
    steps = settings.iterations or math.inf
    pixels = min(settings.pixels, steps * settings.batch * data.shape.pixels)
    affordable = math.sqrt(SHARE / PASS * pixels / settings.evaluations / rows)
    wanted = min(max(affordable, SMALLEST), LARGEST, task.scans[0].size)
    return int(wanted) // multiple * multiple


def _square(mask: BoolArray, edge: int) -> tuple[slice, slice]:
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in mask.shape)
    return busiest_square(mask * (2 - np.square(y)[:, None] - np.square(x)), edge)


def _around(row: int, count: int, depth: int, *, inside: bool) -> IntArray:
    """Return the rows that the network sees: repeated beyond the ends, or all inside the volume."""
    start = row - count // 2
    if inside:
        start = min(max(start, 0), depth - count)
    return grid.repeated_edge(start, start + count, depth)


def _cut(scan: Sections, rows: IntArray, square: tuple[slice, slice]) -> FloatArray:
    """Return (z, channel, y, x) of the full reconstruction, attenuation per pixel."""
    first = int(rows.min())
    full = mix(scan.read(first, int(rows.max()) + 1, square), scan.shares)
    return np.asarray(full.swapaxes(0, 1)[rows - first])


def _shown(image: FloatArray) -> FloatArray:
    margin = min(MARGIN, len(image) // 8)
    return image[margin:-margin, margin:-margin] if margin else image
