"""Patches: chosen on the host as a few numbers each, cut out of the store on the device that trains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.networks import symmetries
from tomodenoise.splitting.model import Role
from tomodenoise.training.store import Source, Store


@dataclass(frozen=True)
class Shape:
    """The patches of a training."""

    size: int
    """Edge, pixels."""
    slices: int
    """Adjacent slices in; 1 if volumetric."""
    volumetric: bool
    channels: int = 1

    @property
    def pixels(self) -> int:
        """Pixels of one patch that come out of the network."""
        return int(self.size ** (3 if self.volumetric else 2))

    @property
    def halo(self) -> int:
        """Rows around the one that a patch is centred on that it may need."""
        return self.size if self.volumetric else self.slices // 2


@dataclass(frozen=True)
class Field:
    """What is looked up about the sources, numbered as in the store: sizes, and the pixels and rows that count."""

    edge: IntArray
    """(source,)"""
    depth: IntArray
    """(source,)"""
    centres: IntArray
    """Flat indices (y, x) of the pixels that patches may be centred on, of one part after the other."""
    start: IntArray
    """(source,) where those of a source begin; sources may share a part."""
    count: IntArray
    """(source,) number of them."""
    masks: Tensor
    """Flat uint8, (y, x) of one part after the other: 1 where a pixel counts."""
    image: IntArray
    """(source,) where its mask begins."""
    rows: Tensor
    """Flat uint8, z of one part after the other: 1 where a row counts."""
    height: IntArray
    """(source,) where its rows begin."""


@dataclass(frozen=True)
class Side:
    """Which sections are averaged to one side of the pairs."""

    members: IntArray
    """(role, m); a role with fewer than m has its first one again, at weight 0."""
    weights: FloatArray
    """(source, role, m)"""


@dataclass(frozen=True)
class Pairs:
    """The roles that the sections take in turn."""

    inputs: tuple[Side, ...]
    """Of each time step that the network sees: one, but for a dynamic scan."""
    targets: Side

    @property
    def roles(self) -> int:
        """Number of roles."""
        return len(self.targets.members)


@dataclass(frozen=True)
class Draw:
    """Which patches to cut: arrays with an entry for each."""

    block: IntArray
    corner: IntArray
    """(n, 3): z, y, x of the first pixel, in the scan."""
    role: IntArray
    turn: IntArray
    """Number of a symmetry of the square, or of the cube."""

    def share(self, rank: int, world: int) -> "Draw":
        """Give every ``world``-th patch."""
        return Draw(*(part[rank::world] for part in (self.block, self.corner, self.role, self.turn)))


@dataclass(frozen=True)
class Batch:
    """Patches, normalised float32."""

    inputs: Tensor
    """(n, slices x steps x channels, y, x), all images of one slice after those of the other, or
    (n, steps x channels, z, y, x)"""
    targets: Tensor
    """(n, channels, y, x), or (n, channels, z, y, x)"""
    masks: Tensor
    """as the targets; 1 where the loss counts"""


def field(sources: Sequence[Source], device: torch.device) -> Field:
    """Tabulate the sources."""
    # A hundred steps of a series share one part: their masks would take more than their slices.
    different = list({id(source.part): source for source in sources}.values())
    parts = [source.part for source in different]
    which = np.array([next(n for n, part in enumerate(parts) if part is source.part) for source in sources])
    masks = [part.mask.ravel() for part in parts]
    rows = [np.isin(np.arange(source.scan.depth), source.part.rows) for source in different]
    centres = [np.flatnonzero(mask) for mask in masks]
    edge, depth = (np.array(sizes) for sizes in zip(*((s.scan.size, s.scan.depth) for s in sources), strict=True))
    begins = [np.cumsum([0, *map(len, each)])[which] for each in (centres, masks, rows)]
    count = np.array([len(each) for each in centres])[which]
    flags = [torch.from_numpy(np.concatenate(flags).astype(np.uint8)).to(device) for flags in (masks, rows)]
    return Field(edge, depth, np.concatenate(centres), begins[0], count, flags[0], begins[1], flags[1], begins[2])


def pairs(sources: Sequence[Source], roles: Sequence[Role]) -> Pairs:
    """Tabulate roles, weighted by the angles of each source's sections."""
    steps = zip(*(role.seen for role in roles), strict=True)
    return Pairs(tuple(_side(sources, step) for step in steps), _side(sources, [role.targets for role in roles]))


def draw(
    store: Store, field: Field, pairs: Pairs, shape: Shape, count: int, rng: Generator, *, first: int, symmetric: bool
) -> Draw:
    """Choose patches, every row and pixel that counts equally likely.

    Parameters
    ----------
    count : patches. One that would stick out of the image is moved into it.
    first : how many were drawn before: the roles take turns, so that each is shown equally often.
    symmetric : choose fewer places, and show each of them in all of its roles.
    """
    places = -(-count // pairs.roles) if symmetric else count
    line = np.searchsorted(store.chance, rng.random(places), side="right")
    block, row = store.block[line], store.row[line]
    source = store.source[block]
    number = rng.random(places) * field.count[source]
    centre = field.centres[field.start[source] + number.astype(np.int64)]
    middle = np.stack([row, *divmod(centre, field.edge[source])], axis=1)
    lowest = np.stack([store.first[block], 0 * row, 0 * row], axis=1)
    highest = np.stack([store.last[block], field.edge[source], field.edge[source]], axis=1) - shape.size
    corner = np.clip(middle - shape.size // 2, lowest, highest)
    if not shape.volumetric:
        corner[:, 0] = row
    turn = rng.integers(len(_turns(shape)), size=places)
    chosen = np.repeat(np.arange(places), pairs.roles)[:count] if symmetric else np.arange(count)
    role = (first + np.arange(count)) % pairs.roles
    return Draw(block[chosen], corner[chosen], role, turn[chosen])


def cut(store: Store, field: Field, pairs: Pairs, shape: Shape, drawn: Draw) -> Batch:
    """Cut patches; input, target and mask are looked up at the same places, so that they turn together."""
    source = store.source[drawn.block]
    edge, (z, y, x) = field.edge[source], drawn.corner.T
    area, zero, one = edge**2, 0 * edge, 0 * edge + 1
    channel = (store.last - store.first)[drawn.block] * area
    section = channel * shape.channels
    around = z[:, None] + np.arange(shape.slices) - shape.slices // 2
    # Beyond the ends of the volume the outermost slice is repeated.
    slices = np.clip(around, 0, field.depth[source][:, None] - 1) - store.first[drawn.block][:, None]
    begin = store.offset[drawn.block] + y * edge + x
    images = (slices * area[:, None])[:, :, None] + channel[:, None, None] * np.arange(shape.channels)
    first = begin[:, None] + images.reshape(len(begin), -1)
    places = _places(shape, drawn, first, (area, edge, one), store.data.device)
    middle = slice(shape.slices // 2 * shape.channels, (shape.slices // 2 + 1) * shape.channels)
    steps = [_mix(store.data, places, section, side, source, drawn.role) for side in pairs.inputs]
    inputs = torch.stack(
        [step.reshape(len(step), -1, shape.channels, *step.shape[2:]) for step in steps], dim=2
    ).flatten(1, 3)
    targets = _mix(store.data, places[:, middle], section, pairs.targets, source, drawn.role)
    image = field.image[source] + y * edge + x
    masks = field.masks.take(_places(shape, drawn, image[:, None], (zero, edge, one), store.data.device))
    if shape.volumetric:
        height = field.height[source] + z
        masks = masks * field.rows.take(_places(shape, drawn, height[:, None], (one, zero, zero), store.data.device))
    return Batch(inputs, targets, masks.float().expand_as(targets))


def _side(sources: Sequence[Source], groups: Sequence[Sequence[int]]) -> Side:
    mixings = np.array([[source.scan.mixing(group) for group in groups] for source in sources])
    used = [np.flatnonzero(weights) for weights in mixings[0]]
    most = max(map(len, used))
    members = np.array([[*some, *[some[0]] * (most - len(some))] for some in used])
    weights = np.zeros((len(sources), len(groups), most), dtype=np.float32)
    for role, some in enumerate(used):
        weights[:, role, : len(some)] = mixings[:, role, some]
    return Side(members, weights)


def _turns(shape: Shape) -> Sequence[symmetries.Turn]:
    return symmetries.cube() if shape.volumetric else symmetries.square()


def _places(
    shape: Shape, drawn: Draw, begin: IntArray, strides: tuple[IntArray, IntArray, IntArray], device: torch.device
) -> Tensor:
    """Flat places (n, s, y, x) or (n, s, z, y, x) of the pixels of turned patches.

    Each axis of a turned patch goes along one axis of the scan, up or down, so that a place is a sum over the axes.

    Parameters
    ----------
    begin : (n, s) places of the patch's first pixel in each slice.
    strides : of the scan's axes z, y, x, each (n,).
    """
    turns, free = _turns(shape), strides if shape.volumetric else strides[1:]
    axes = np.array([turn.axes for turn in turns])[drawn.turn]
    flips = np.array([turn.flips for turn in turns])[drawn.turn]
    along, steps = np.take_along_axis(np.stack(free, axis=1), axes, axis=1), np.arange(shape.size)
    count = len(free)
    places = torch.from_numpy(begin).to(device).reshape(*begin.shape, *(1,) * count)
    for axis in range(count):
        walk = along[:, axis, None] * np.where(flips[:, axis, None], steps[::-1], steps)
        spread = [shape.size if other == axis else 1 for other in range(count)]
        places = places + torch.from_numpy(walk).to(device).reshape(len(walk), 1, *spread)
    return places


def _mix(data: Tensor, places: Tensor, section: IntArray, side: Side, source: IntArray, role: IntArray) -> Tensor:
    """Weighted means of sections at the places of their first one, float32."""
    members, weights = side.members[role], side.weights[source, role]
    mixed = torch.zeros(places.shape, device=data.device)
    single = (len(places), *(1,) * (places.ndim - 1))
    for member, weight in zip(members.T, weights.T, strict=True):
        start = torch.from_numpy(member * section).to(data.device).reshape(single)
        mixed += data.take(places + start).float() * torch.from_numpy(weight).to(data.device).reshape(single)
    return mixed
