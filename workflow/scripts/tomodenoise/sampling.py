"""Training patches from the sections of scans, with as much in memory as is allowed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from tomodenoise import grid
from tomodenoise.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.errors import UserError
from tomodenoise.models import Normalisation
from tomodenoise.sections import Sections, mix

RUN = 8
"""Rows that are read together where the data exceed the memory: a chunk of the array."""


@dataclass(frozen=True)
class Part:
    """The slices and pixels of a scan that patches may be judged on."""

    rows: IntArray
    mask: BoolArray
    """(y, x)"""


@dataclass(frozen=True)
class Block:
    """Consecutive rows of all sections of a scan in memory, and the rows that patches may be centred on."""

    scan: Sections
    part: Part
    pixels: IntArray
    """Flat indices of the mask: where patches may be centred."""
    first: int
    data: FloatArray
    """(section, z, y, x) float32, from row ``first``."""


@dataclass(frozen=True)
class Batch:
    """Patches of one step, normalised."""

    inputs: Tensor
    """(n, slices, y, x)"""
    targets: Tensor
    """(n, 1, y, x)"""
    masks: Tensor
    """(n, 1, y, x), 1 where the loss counts"""


def divide(scan: Sections, slices: int, held_out: float) -> tuple[Part, Part]:
    """Keep a part of a scan from training.

    Returns
    -------
    The part to train on and the part held out. Whole blocks of slices are held out, and so many slices left
    between the two that no training input holds a slice of the other part. A scan of few slices, fewer than
    four times the network's, gives lines of all its slices instead: a band through the axis, with a gap.
    """
    visible = scan.visible
    every = np.arange(scan.depth)
    if scan.depth >= 4 * slices:
        count = int(np.clip(scan.depth // 64, 1, 4))
        length = max(1, round(held_out * scan.depth / count))
        middles = (np.arange(count) + 0.5) * scan.depth / count
        kept = np.concatenate([np.arange(length) + int(middle - length / 2) for middle in middles])
        distance = np.abs(every[:, None] - kept).min(axis=1)
        return Part(every[distance > slices // 2], visible), Part(kept, visible)
    length = max(2, round(held_out * scan.size))
    offset = np.abs(np.arange(scan.size) - (scan.size - 1) / 2)[:, None]
    gap = max(2, scan.size // 64)
    outer, inner = visible & (offset > length / 2 + gap), visible & (offset <= length / 2)
    if not (outer.any() and inner.any()):
        raise UserError(
            f"{scan.array}: the field of view of {2 * scan.radius:.0f} pixels has too few pixels to train on"
        )
    return Part(every, outer), Part(every, inner)


def normalisation(scans: Sequence[Sections], rows: int = 16) -> Normalisation:
    """Mean and deviation of the full reconstruction in the field of view, from some rows of each scan.

    Raises
    ------
    UserError
        If a volume is constant or not finite: there is nothing to learn from it.
    """
    values = []
    for scan in scans:
        picked = np.unique(np.linspace(0, scan.depth - 1, rows).astype(int))
        values += [mix(scan.read(row, row + 1), scan.shares)[0, scan.visible] for row in picked]
    seen = np.concatenate(values).astype(np.float64)
    mean, scale = float(seen.mean()), float(seen.std())
    if not np.isfinite(scale) or scale <= 1e-6 * abs(mean):
        names = ", ".join(str(scan.array) for scan in scans)
        raise UserError(
            f"{names}: the reconstruction is constant or not finite: look at the raw frames and at center.png"
        )
    return Normalisation(mean, scale)


def turns(
    scans: Sequence[Sections], parts: Sequence[Part], slices: int, memory: float, rng: Generator
) -> Iterator[list[Block]]:
    """Yield what is in memory at a time: always everything if it fits, else another choice of runs each time.

    Parameters
    ----------
    memory : bytes of float32 to hold at most; one run is held whatever it says. Let go of what was yielded before
        asking for more, or both are held.
    """
    half = slices // 2
    pixels = [np.flatnonzero(part.mask) for part in parts]
    if sum(_row_bytes(scan) * scan.depth for scan in scans) <= memory:
        blocks = [_block(*each, 0, each[0].depth, half) for each in zip(scans, parts, pixels, strict=True)]
        while True:
            yield blocks
    runs = [
        (number, start) for number, part in enumerate(parts) for start in np.unique(part.rows // RUN * RUN).tolist()
    ]
    area = np.array([len(pixels[number]) for number, _ in runs], dtype=float)
    while True:
        order = rng.choice(len(runs), len(runs), replace=False, p=area / area.sum())
        needs = np.cumsum([_row_bytes(scans[runs[run][0]]) * (RUN + 2 * half) for run in order])
        chosen = [runs[run] for run in order[: max(1, int((needs <= memory).sum()))]]
        yield [_block(scans[n], parts[n], pixels[n], row, min(row + RUN, scans[n].depth), half) for n, row in chosen]


def draw(blocks: Sequence[Block], norm: Normalisation, slices: int, size: int, count: int, rng: Generator) -> Batch:
    """Cut ``count`` random patches of ``size`` x ``size``, every role and every pixel of the part equally likely."""
    chances = np.array([len(block.part.rows) * len(block.pixels) for block in blocks], dtype=float)
    chosen = rng.choice(len(blocks), size=count, p=chances / chances.sum())
    return collate([_patch(blocks[number], norm, slices, size, rng) for number in chosen])


def collate(patches: Sequence[tuple[FloatArray, FloatArray, FloatArray]]) -> Batch:
    """Stack patches (input, target, mask) to a batch."""
    inputs, targets, masks = (torch.from_numpy(np.stack(parts)) for parts in zip(*patches, strict=True))
    return Batch(inputs, targets, masks)


def _block(scan: Sections, part: Part, pixels: IntArray, start: int, stop: int, half: int) -> Block:
    rows = part.rows[(part.rows >= start) & (part.rows < stop)]
    first, last = grid.with_halo(start, stop, half, scan.depth)
    return Block(scan, Part(rows, part.mask), pixels, first, scan.read(first, last))


def _row_bytes(scan: Sections) -> int:
    return len(scan.shares) * scan.size**2 * 4


def _patch(
    block: Block, norm: Normalisation, slices: int, size: int, rng: Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cut one patch, its input, target and mask turned and mirrored together."""
    scan, row = block.scan, int(rng.choice(block.part.rows))
    role = scan.split.roles[rng.integers(len(scan.split.roles))]
    middle = divmod(int(rng.choice(block.pixels)), scan.size)
    top, left = (int(np.clip(m - size // 2, 0, scan.size - size)) for m in middle)
    window = (slice(top, top + size), slice(left, left + size))
    stack = grid.repeated_edge(row - slices // 2, row + slices // 2 + 1, scan.depth) - block.first
    mixed = mix(block.data[(slice(None), stack, *window)], scan.mixing(role.inputs))
    middle_slice = slice(row - block.first, row - block.first + 1)
    target = mix(block.data[(slice(None), middle_slice, *window)], scan.mixing(role.targets))
    mask = block.part.mask[window][None].astype(np.float32)
    quarter, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    inputs, target, mask = (_turn(part, quarter, mirrored) for part in (mixed, target, mask))
    return (inputs - norm.mean) / norm.scale, (target - norm.mean) / norm.scale, mask


def _turn(image: FloatArray, quarter: int, mirrored: bool) -> FloatArray:
    turned = np.rot90(image, quarter, axes=(-2, -1))
    return np.ascontiguousarray(turned[..., ::-1] if mirrored else turned)
