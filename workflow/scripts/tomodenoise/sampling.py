"""Training patches from the sections of scans, with as much in memory as is allowed."""

from collections.abc import Sequence
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


def load(scans: Sequence[Sections], parts: Sequence[Part], slices: int, memory: float, rng: Generator) -> list[Block]:
    """Read rows for training, all that fit or else a random choice of runs.

    Parameters
    ----------
    memory : bytes of float32 to hold at most; at least one run is held whatever it says.
    """
    half = slices // 2
    row_bytes = [len(scan.shares) * scan.size**2 * 4 for scan in scans]
    if sum(b * scan.depth for b, scan in zip(row_bytes, scans, strict=True)) <= memory:
        return [_block(s, p, _pixels(p), 0, s.depth, half) for s, p in zip(scans, parts, strict=True)]
    pixels = [_pixels(part) for part in parts]
    area = np.array([len(part.rows) * len(p) for part, p in zip(parts, pixels, strict=True)], dtype=float)
    blocks: list[Block] = []
    while not blocks or sum(block.data.nbytes for block in blocks) + max(row_bytes) * (RUN + 2 * half) <= memory:
        number = int(rng.choice(len(scans), p=area / area.sum()))
        row = int(rng.choice(parts[number].rows)) // RUN * RUN
        stop = min(row + RUN, scans[number].depth)
        blocks.append(_block(scans[number], parts[number], pixels[number], row, stop, half))
    return blocks


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


def _pixels(part: Part) -> IntArray:
    return np.flatnonzero(part.mask)


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
