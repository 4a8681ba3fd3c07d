"""What a training learns from, and what it is judged on."""

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
"""Slices between what is trained on and held out; cubes may reach over it, but no loss counts there."""

LOOKED_AT = 4
"""Runs of sections of a dynamic scan that its normalisation and its mask come from, spread over the window."""


@dataclass(frozen=True)
class Data:
    """Where the patches come from."""

    sources: Sequence[store.Source]
    field: patches.Field
    pairs: patches.Pairs
    shape: Shape
    norm: Normalisation
    memory: float
    """Bytes of sections to hold at most."""
    exam: validation.Exam
    held_out: Sequence[HeldOut]
    """Of each scan."""


def prepare(task: Task, ranks: Ranks) -> Data:
    """Keep data apart, find the normalisation, and draw the patches that every evaluation judges."""
    settings, spec = task.settings, task.spec
    if settings.batch < ranks.world:
        raise UserError(f"train.batch is {settings.batch}, too few patches for {ranks.world} processes: set it higher")
    shape = Shape(_patch_size(task.scans, spec, settings.patch), spec.slices, spec.volumetric, spec.channels)
    windows = task.windows or len(task.scans) * [None]
    groups = [scan.trained(window) for scan, window in zip(task.scans, windows, strict=True)]
    some = [_spread(each) for each in groups]
    norm = task.start.normalisation if task.start else sampling.normalisation([run for each in some for run in each])
    masks = [_mask(each, settings.mask) for each in some]
    gap = VOLUMETRIC_GAP if spec.volumetric else spec.slices // 2
    filled = [sampling.rows_with_sample(each[0]) for each in some]
    parts = [
        sampling.divide(scan, mask, gap, settings.held_out, rows)
        for scan, mask, rows in zip(task.scans, masks, filled, strict=True)
    ]
    trained, held_out = (
        [store.Source(run, part) for each, part in zip(groups, side, strict=True) for run in each]
        for side in zip(*parts, strict=True)
    )
    roles, free = time_steps.in_context(groups[0][0].split.roles, spec.steps), devices.free_memory(ranks.device)
    memory = settings.memory * GIB if free is None else free / 2
    exam = validation.prepare(held_out, roles, shape, norm, settings.batch, memory, [settings.seed, 2], ranks)
    kept = [
        HeldOut(tuple(runs(part.rows)), part.mask, band=not np.array_equal(part.mask, mask))
        for (_, part), mask in zip(parts, masks, strict=True)
    ]
    field, pairs = patches.field(trained, ranks.device), patches.pairs(trained, roles)
    return Data(trained, field, pairs, shape, norm, memory, exam, kept)


def _spread(runs: Sequence[Sections]) -> list[Sections]:
    return [runs[number] for number in np.unique(np.linspace(0, len(runs) - 1, LOOKED_AT).astype(int))]


def _mask(runs: Sequence[Sections], kind: str) -> BoolArray:
    """Pixels that count in each run of sections of a scan."""
    if kind != "sample":
        return runs[0].visible
    return np.asarray(np.any([sampling.sample(run) for run in runs], axis=0))


def _patch_size(scans: Sequence[Sections], spec: Spec, wanted: int) -> int:
    grid = NETWORKS[spec.name].multiple(spec)
    smallest = min(min(scan.size, scan.depth if spec.volumetric else scan.size) for scan in scans)
    if smallest < grid:
        what = "rows" if spec.volumetric and smallest == min(scan.depth for scan in scans) else "pixels"
        raise UserError(
            f"slices of {smallest} pixels are smaller than network.depth {spec.depth} allows: set it lower"
            if what == "pixels"
            else f"a scan of {smallest} rows is too thin for a volumetric network of network.depth {spec.depth}: set"
            " it lower, or choose `network: {name: unet}`"
        )
    return min(wanted, smallest) // grid * grid
