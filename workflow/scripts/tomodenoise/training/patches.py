"""Training patches: positions drawn on the host, pixels cut from the store on the training device."""

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
    """Shape of the training patches."""

    size: int
    """Edge in pixels."""
    slices: int
    """Adjacent slices of the input; 1 if volumetric."""
    volumetric: bool
    channels: int = 1

    @property
    def pixels(self) -> int:
        """Number of output pixels of the network per patch."""
        return int(self.size ** (3 if self.volumetric else 2))

    @property
    def halo(self) -> int:
        """Rows that a patch may need around its central one."""
        return self.size if self.volumetric else self.slices // 2


@dataclass(frozen=True)
class Field:
    """Lookup tables of the sources, numbered as in the store: sizes, and the pixels and rows that count."""

    edge: IntArray
    """(source,)"""
    depth: IntArray
    """(source,)"""
    centres: IntArray
    """Flat indices (y, x) of the pixels that patches may be centred on, concatenated over the parts."""
    start: IntArray
    """(source,) start of its centres; sources may share a part."""
    count: IntArray
    """(source,) number of its centres."""
    masks: Tensor
    """Flat uint8 (y, x), concatenated over the parts: 1 where a pixel counts."""
    image: IntArray
    """(source,) start of its mask."""
    rows: Tensor
    """Flat uint8 (z), concatenated over the parts: 1 where a row counts."""
    height: IntArray
    """(source,) start of its rows."""


@dataclass(frozen=True)
class Side:
    """Sections that are averaged for one side of the training pairs."""

    members: IntArray
    """(role, m); a role with fewer than m sections repeats its first one with weight 0."""
    weights: FloatArray
    """(source, role, m)"""


@dataclass(frozen=True)
class Pairs:
    """Training pairs: the roles of the sections, which take turns."""

    inputs: tuple[Side, ...]
    """One for each time step that the network sees; only one for a static scan."""
    targets: Side

    @property
    def roles(self) -> int:
        """Number of roles."""
        return len(self.targets.members)


@dataclass(frozen=True)
class Draw:
    """Patches to cut, as arrays with one entry per patch."""

    block: IntArray
    """(n,) block of the store."""
    corner: IntArray
    """(n, 3) z, y, x of the first pixel, in the scan."""
    role: IntArray
    """(n,)"""
    turn: IntArray
    """(n,) number of a symmetry of the square or cube."""

    def share(self, rank: int, world: int) -> "Draw":
        """Return every ``world``-th patch, from number ``rank`` on."""
        return Draw(*(part[rank::world] for part in (self.block, self.corner, self.role, self.turn)))


@dataclass(frozen=True)
class Batch:
    """Batch of patches, normalised float32."""

    inputs: Tensor
    """(n, slices x steps x channels, y, x), grouped by slice, or (n, steps x channels, z, y, x)"""
    targets: Tensor
    """(n, channels, y, x), or (n, channels, z, y, x)"""
    masks: Tensor
    """Shape of the targets; 1 where the loss counts."""


def field(sources: Sequence[Source], device: torch.device) -> Field:
    """Tabulate the sources on a device."""
    # Hundreds of time steps may share one part; a mask for each would take more memory than their slices.
    unique = list({id(source.part): source for source in sources}.values())
    parts = [source.part for source in unique]
    owner = np.array([next(n for n, part in enumerate(parts) if part is source.part) for source in sources])
    masks = [part.mask.ravel() for part in parts]
    rows = [np.isin(np.arange(source.scan.depth), source.part.rows) for source in unique]
    centres = [np.flatnonzero(mask) for mask in masks]
    edge, depth = (np.array(sizes) for sizes in zip(*((s.scan.size, s.scan.depth) for s in sources), strict=True))
    starts = [np.cumsum([0, *map(len, table)])[owner] for table in (centres, masks, rows)]
    count = np.array([len(pixels) for pixels in centres])[owner]
    flags = [torch.from_numpy(np.concatenate(table).astype(np.uint8)).to(device) for table in (masks, rows)]
    return Field(edge, depth, np.concatenate(centres), starts[0], count, flags[0], starts[1], flags[1], starts[2])


def pairs(sources: Sequence[Source], roles: Sequence[Role]) -> Pairs:
    """Tabulate the roles, weighted by the shares of each source's sections."""
    steps = zip(*(role.seen for role in roles), strict=True)
    return Pairs(tuple(_side(sources, step) for step in steps), _side(sources, [role.targets for role in roles]))


def draw(store: Store, field: Field, pairs: Pairs, shape: Shape, count: int, rng: Generator, *, first: int) -> Draw:
    """Draw patches, with equal probability for every row and pixel that counts.

    Parameters
    ----------
    count : number of patches. Those that would extend beyond the image are moved into it.
    first : number of patches drawn before; roles take turns, so that each is shown equally often.
    """
    line = np.searchsorted(store.chance, rng.random(count), side="right")
    block = store.block[line]
    row = store.row[line]
    source = store.source[block]
    number = rng.random(count) * field.count[source]
    centre = field.centres[field.start[source] + number.astype(np.int64)]
    middle = np.stack([row, *divmod(centre, field.edge[source])], axis=1)
    lowest = np.stack([store.first[block], 0 * row, 0 * row], axis=1)
    highest = np.stack([store.last[block], field.edge[source], field.edge[source]], axis=1) - shape.size
    corner = np.clip(middle - shape.size // 2, lowest, highest)
    if not shape.volumetric:
        corner[:, 0] = row
    turn = rng.integers(len(_turns(shape)), size=count)
    role = (first + np.arange(count)) % pairs.roles
    return Draw(block, corner, role, turn)


def cut(store: Store, field: Field, pairs: Pairs, shape: Shape, drawn: Draw) -> Batch:
    """Cut patches; input, target and mask are read at the same places, so they are transformed alike."""
    source = store.source[drawn.block]
    z, y, x = drawn.corner.T
    edge = field.edge[source]
    area = edge**2
    zero = 0 * edge
    one = zero + 1
    channel = (store.last - store.first)[drawn.block] * area
    section = channel * shape.channels
    around = z[:, None] + np.arange(shape.slices) - shape.slices // 2
    # The first and last slices are repeated beyond the ends of the volume.
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
    members = np.array([[*sections, *[sections[0]] * (most - len(sections))] for sections in used])
    weights = np.zeros((len(sources), len(groups), most), dtype=np.float32)
    for role, sections in enumerate(used):
        weights[:, role, : len(sections)] = mixings[:, role, sections]
    return Side(members, weights)


def _turns(shape: Shape) -> Sequence[symmetries.Turn]:
    return symmetries.cube() if shape.volumetric else symmetries.square()


def _places(
    shape: Shape, drawn: Draw, begin: IntArray, strides: tuple[IntArray, IntArray, IntArray], device: torch.device
) -> Tensor:
    """Return the flat places (n, s, y, x) or (n, s, z, y, x) of the pixels of transformed patches.

    Each axis of a transformed patch runs along one axis of the scan, up or down, so a place is a sum over the axes.

    Parameters
    ----------
    begin : (n, s) place of the first pixel of the patch in each slice.
    strides : strides of the axes z, y, x of the scan, each (n,).
    """
    turns = _turns(shape)
    free = strides if shape.volumetric else strides[1:]
    axes = np.array([turn.axes for turn in turns])[drawn.turn]
    flips = np.array([turn.flips for turn in turns])[drawn.turn]
    along = np.take_along_axis(np.stack(free, axis=1), axes, axis=1)
    steps = np.arange(shape.size)
    count = len(free)
    places = torch.from_numpy(begin).to(device).reshape(*begin.shape, *(1,) * count)
    for axis in range(count):
        walk = along[:, axis, None] * np.where(flips[:, axis, None], steps[::-1], steps)
        spread = [shape.size if other == axis else 1 for other in range(count)]
        places = places + torch.from_numpy(walk).to(device).reshape(len(walk), 1, *spread)
    return places


def _mix(data: Tensor, places: Tensor, section: IntArray, side: Side, source: IntArray, role: IntArray) -> Tensor:
    """Return weighted means of sections, float32, given the places in section 0."""
    members = side.members[role]
    weights = side.weights[source, role]
    mixed = torch.zeros(places.shape, device=data.device)
    single = (len(places), *(1,) * (places.ndim - 1))
    for member, weight in zip(members.T, weights.T, strict=True):
        start = torch.from_numpy(member * section).to(data.device).reshape(single)
        mixed += data.take(places + start).float() * torch.from_numpy(weight).to(data.device).reshape(single)
    return mixed
