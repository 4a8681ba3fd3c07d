"""Cutting of drawn patches from the store, on the training device.

The host finds the places of the patches of many steps at a time. Cutting takes nothing from the host, and its shapes do
not depend on data, so a CUDA graph can hold it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.training.patches import Draw, Field, Pairs, Shape, Side
from tomodenoise.training.store import Store


@dataclass(frozen=True)
class Places:
    """Where the pixels of patches are in the store: all that cutting needs to know of a draw.

    A term is one slice of one section. An axis of a transformed patch runs along one axis of the scan, up or down, so
    the place of a pixel is that of the first one and a multiple of a stride for each axis.
    """

    numbers: Tensor
    """(step, n, number) int64: first place of each term, in the mask and, if volumetric, in the rows; strides of the
    channels and axes in the terms, of the axes in the mask and, if volumetric, in the rows."""
    weights: Tensor
    """(step, n, term) float32. Terms of the inputs, (m, slice, time step), come before those of the targets, (m)."""

    def __getitem__(self, step: int) -> "Places":
        """Return the places (n, ...) of one step."""
        return Places(self.numbers[step], self.weights[step])

    def to(self, device: torch.device) -> "Places":
        """Copy to a device."""
        return Places(self.numbers.to(device), self.weights.to(device))


@dataclass(frozen=True)
class Batch:
    """Batch of patches, normalised float32."""

    inputs: Tensor
    """(n, slices x steps x channels, y, x), grouped by slice, or (n, steps x channels, z, y, x)"""
    targets: Tensor
    """(n, channels, y, x), or (n, channels, z, y, x)"""
    masks: Tensor
    """Shape of the targets; 1 where the loss counts."""


def locate(store: Store, field: Field, pairs: Pairs, shape: Shape, drawn: Draw) -> Places:
    """Find the places of drawn patches; input, target and mask are read alike, so they are transformed alike."""
    source = store.source[drawn.block]
    z, y, x = np.moveaxis(drawn.corner, -1, 0)
    edge = field.edge[source]
    area, inside, zero = edge**2, y * edge + x, 0 * edge
    one = zero + 1
    channel = (store.last - store.first)[drawn.block] * area
    around = z[..., None] + np.arange(shape.slices) - shape.slices // 2
    # The first and last slices are repeated beyond the ends of the volume.
    slices = np.clip(around, 0, field.depth[source][..., None] - 1) - store.first[drawn.block][..., None]
    images = (store.offset[drawn.block] + inside)[..., None] + slices * area[..., None]
    middle = images[..., [shape.slices // 2]]
    mixed = [
        _terms(side, source, drawn.role, channel * shape.channels, seen)
        for side, seen in ((pairs.inputs, images), (pairs.targets, middle))
    ]
    terms, weights = (np.concatenate(part, axis=-1) for part in zip(*mixed, strict=True))
    begins = [terms, (field.image[source] + inside)[..., None], (field.height[source] + z)[..., None]]
    strides = [[area, edge, one], [zero, edge, one], [one, zero, zero]]
    if not shape.volumetric:
        begins, strides = begins[:2], [[edge, one]] * 2
    walks, shifts = zip(*(_turned(shape, drawn.turn, along) for along in strides), strict=True)
    begins = [begin + shift for begin, shift in zip(begins, shifts, strict=True)]
    numbers = np.concatenate([*begins, channel[..., None], *walks], axis=-1)
    return Places(torch.from_numpy(numbers), torch.from_numpy(weights))


def cut(store: Store, field: Field, pairs: Pairs, shape: Shape, places: Places) -> Batch:
    """Cut the patches of a step, given their places (n, ...) on the device of the store."""
    terms, axes = places.weights.shape[1], len(shape.edges)
    flags = axes - 1  # the mask and, if volumetric, the rows
    begin, images, strides = places.numbers.split([terms, flags, 1 + axes * (1 + flags)], dim=1)  # type: ignore[no-untyped-call]
    steps = torch.arange(max(shape.size, shape.channels), device=begin.device)
    channels, *lines = (strides[..., None] * steps).split([1, *[axes] * (1 + flags)], dim=1)
    inside, *grids = (_grid(line[..., : shape.size].unbind(1)) for line in lines)
    inside = _grid([channels[:, 0, : shape.channels], inside])
    flat = [first[(..., *[None] * axes)] + grid for first, grid in zip(images.unbind(1), grids, strict=True)]
    masks = field.masks.take(flat[0])
    if shape.volumetric:
        masks = masks * field.rows.take(flat[1])
    aimed = pairs.targets.members.shape[-1]
    seen = (len(begin), pairs.inputs.members.shape[-1], -1)
    inputs = _mixed(store.data, begin[:, :-aimed].reshape(seen), places.weights[:, :-aimed].reshape(seen), inside)
    targets = _mixed(store.data, begin[:, -aimed:, None], places.weights[:, -aimed:, None], inside)[:, 0]
    return Batch(inputs.flatten(1, 2), targets, masks.float()[:, None].expand_as(targets))


def _terms(
    side: Side, source: IntArray, role: IntArray, section: IntArray, images: IntArray
) -> tuple[IntArray, FloatArray]:
    """Return the first places and weights (step, n, term) of one side, given those of its images in section 0."""
    starts = side.members[role] * section[..., None, None]
    weights = np.swapaxes(side.weights[source, role], -1, -2)[..., None, :]
    places = np.swapaxes(starts, -1, -2)[..., None, :] + images[..., None, :, None]
    flat = (*section.shape, -1)
    return places.reshape(flat), np.broadcast_to(weights, places.shape).reshape(flat)


def _turned(shape: Shape, turn: IntArray, strides: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    """Return the strides (step, n, axis) of transformed patches, and the shift (step, n, 1) of their first pixel.

    Parameters
    ----------
    strides : of the axes of the scan, each (step, n).
    """
    axes = np.array([turn.axes for turn in shape.turns])[turn]
    flips = np.array([turn.flips for turn in shape.turns])[turn]
    along = np.take_along_axis(np.stack(strides, axis=-1), axes, axis=-1)
    shift = np.where(flips, along * (shape.size - 1), 0).sum(axis=-1, keepdims=True)
    return np.where(flips, -along, along), shift


def _grid(walks: Sequence[Tensor]) -> Tensor:
    """Return all sums (n, one axis for each of all walks) of an entry of each walk, (n, ...)."""
    first, *others = walks
    for walk in others:
        first = first[(..., *[None] * (walk.ndim - 1))] + walk[(slice(None), *[None] * (first.ndim - 1))]
    return first


def _mixed(data: Tensor, begin: Tensor, weights: Tensor, inside: Tensor) -> Tensor:
    """Return weighted means (n, s, channel, ...) of sections, float32.

    Parameters
    ----------
    begin, weights : (n, m, s) place of the first pixel, and weight of each section.
    inside : (n, channel, ...) places relative to the first pixel.
    """
    spread = (..., *[None] * (inside.ndim - 1))
    sections = zip(begin.unbind(1), weights.unbind(1), strict=True)
    # One section after the other: together they need several times the memory, and another order gives other bits.
    return reduce(
        Tensor.add_, (data.take(first[spread] + inside[:, None]) * weight[spread] for first, weight in sections)
    )
