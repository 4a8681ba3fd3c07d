"""The data of a training: the part that it learns from, and the part held out for validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.common import devices
from tomodenoise.common.arrays import BoolArray
from tomodenoise.common.errors import UserError
from tomodenoise.networks.held_out import HeldOut
from tomodenoise.networks.models import Normalisation
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.scans.description import runs
from tomodenoise.splitting import time_steps
from tomodenoise.storage.sections import Sections
from tomodenoise.training import patches, sampling, store, validation
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.patches import Shape
from tomodenoise.training.tasks import Task

GIB = 2**30

VOLUMETRIC_GAP = 2
"""Slices between the trained and the held-out part; cubes may extend into it, but the loss does not count there."""

SAMPLED_RUNS = 4
"""Runs of sections, spread over the window of a dynamic scan, from which its normalisation and mask are found."""


@dataclass(frozen=True)
class Data:
    """Sources of the patches."""

    sources: Sequence[store.Source]
    field: patches.Field
    pairs: patches.Pairs
    shape: Shape
    norm: Normalisation
    memory: float
    """Largest number of bytes of sections to hold."""
    exam: validation.Exam
    held_out: Sequence[HeldOut]
    """Held-out part of each scan."""


def prepare(task: Task, ranks: Ranks) -> Data:
    """Hold out data, find the normalisation, and draw the patches for validation."""
    settings = task.settings
    spec = task.spec
    if settings.batch < ranks.world:
        raise UserError(f"train.batch is {settings.batch}, too few patches for {ranks.world} processes: set it higher")
    shape = Shape(_patch_size(task.scans, spec, settings.patch), spec.slices, spec.volumetric, spec.channels)
    windows = task.windows or len(task.scans) * [None]
    groups = [scan.trained(window) for scan, window in zip(task.scans, windows, strict=True)]
    sampled = [_spread(group) for group in groups]
    norm = (
        task.start.normalisation if task.start else sampling.normalisation([run for group in sampled for run in group])
    )
    masks = [_mask(group, settings.mask) for group in sampled]
    gap = VOLUMETRIC_GAP if spec.volumetric else spec.slices // 2
    filled = [sampling.rows_with_sample(group[0]) for group in sampled]
    parts = [
        sampling.divide(scan, mask, gap, settings.held_out, rows)
        for scan, mask, rows in zip(task.scans, masks, filled, strict=True)
    ]
    trained, held_out = (
        [store.Source(run, part) for group, part in zip(groups, side, strict=True) for run in group]
        for side in zip(*parts, strict=True)
    )
    roles = time_steps.in_context(groups[0][0].split.roles, spec.steps)
    free = devices.free_memory(ranks.device)
    # The least of all ranks, so that all hold everything or none does.
    memory = -ranks.agreed(-(settings.memory * GIB if free is None else free / 2))[0]
    exam = validation.prepare(held_out, roles, shape, norm, settings.batch, memory, [settings.seed, 2], ranks)
    kept = [
        HeldOut(tuple(runs(part.rows)), part.mask, band=not np.array_equal(part.mask, mask))
        for (_, part), mask in zip(parts, masks, strict=True)
    ]
    field = patches.field(trained, ranks.device)
    pairs = patches.pairs(trained, roles)
    return Data(trained, field, pairs, shape, norm, memory, exam, kept)


def _spread(runs: Sequence[Sections]) -> list[Sections]:
    return [runs[number] for number in np.unique(np.linspace(0, len(runs) - 1, SAMPLED_RUNS).astype(int))]


def _mask(runs: Sequence[Sections], kind: str) -> BoolArray:
    """Return the mask (y, x) of the pixels that count in all runs of sections of a scan."""
    if kind != "sample":
        return runs[0].visible
    return np.asarray(np.any([sampling.sample(run) for run in runs], axis=0))


def _patch_size(scans: Sequence[Sections], spec: Spec, wanted: int) -> int:
    grid = NETWORKS[spec.name].multiple(spec)
    smallest = min(min(scan.size, scan.depth if spec.volumetric else scan.size) for scan in scans)
    if smallest < grid:
        few_rows = spec.volumetric and smallest == min(scan.depth for scan in scans)
        raise UserError(
            f"a scan of {smallest} rows is too thin for a volumetric network of network.depth {spec.depth}: set"
            " it lower, or choose `network: {name: unet}`"
            if few_rows
            else f"slices of {smallest} pixels are smaller than network.depth {spec.depth} allows: set it lower"
        )
    return min(wanted, smallest) // grid * grid
