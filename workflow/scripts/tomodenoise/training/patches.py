"""Training patches: their shape, the pairs that they show, and their draw, on the host for many steps at a time."""

from collections.abc import Iterable, Sequence
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
        return int(np.prod(self.edges))

    @property
    def edges(self) -> tuple[int, ...]:
        """Lengths (y, x) or (z, y, x)."""
        return (self.size,) * (3 if self.volumetric else 2)

    @property
    def turns(self) -> Sequence[symmetries.Turn]:
        """Symmetries of the square or cube."""
        return symmetries.cube() if self.volumetric else symmetries.square()

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
    """(role, step, m) for each time step of the side; one with fewer than m sections has others with weight 0."""
    weights: FloatArray
    """(source, role, step, m)"""


@dataclass(frozen=True)
class Pairs:
    """Training pairs: the roles of the sections, which take turns."""

    inputs: Side
    """Time steps that the network sees; only one for a static scan."""
    targets: Side
    """A single time step."""

    @property
    def roles(self) -> int:
        """Number of roles."""
        return len(self.targets.members)


@dataclass(frozen=True)
class Draw:
    """Patches to cut, as arrays with a row for each step and an entry for each patch."""

    block: IntArray
    """(step, n) block of the store."""
    corner: IntArray
    """(step, n, 3) z, y, x of the first pixel, in the scan."""
    role: IntArray
    """(step, n)"""
    turn: IntArray
    """(step, n) number of a symmetry of the square or cube."""

    def share(self, rank: int, world: int) -> "Draw":
        """Return every ``world``-th patch of each step, from number ``rank`` on."""
        return Draw(*(part[:, rank::world] for part in (self.block, self.corner, self.role, self.turn)))


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
    return Pairs(_side(sources, [role.seen for role in roles]), _side(sources, [(role.targets,) for role in roles]))


def draw(
    store: Store, field: Field, pairs: Pairs, shape: Shape, count: int, rngs: Iterable[Generator], *, first: int
) -> Draw:
    """Draw patches, with equal probability for every row and pixel that counts.

    Parameters
    ----------
    count : number of patches of a step. Those that would extend beyond the image are moved into it.
    rngs : generator of each step.
    first : number of patches drawn before; roles take turns, so that each is shown equally often.
    """
    random = [(rng.random(count), rng.random(count), rng.integers(len(shape.turns), size=count)) for rng in rngs]
    chance, pixel, turn = (np.stack(numbers) for numbers in zip(*random, strict=True))
    line = np.searchsorted(store.chance, chance, side="right")
    block = store.block[line]
    row = store.row[line]
    source = store.source[block]
    number = pixel * field.count[source]
    centre = field.centres[field.start[source] + number.astype(np.int64)]
    middle = np.stack([row, *divmod(centre, field.edge[source])], axis=-1)
    lowest = np.stack([store.first[block], 0 * row, 0 * row], axis=-1)
    highest = np.stack([store.last[block], field.edge[source], field.edge[source]], axis=-1) - shape.size
    corner = np.clip(middle - shape.size // 2, lowest, highest)
    if not shape.volumetric:
        corner[..., 0] = row
    role = (first + np.arange(turn.size).reshape(turn.shape)) % pairs.roles
    return Draw(block, corner, role, turn)


def _side(sources: Sequence[Source], roles: Sequence[Sequence[Sequence[int]]]) -> Side:
    mixings = np.array([[[source.scan.mixing(group) for group in role] for role in roles] for source in sources])
    most = np.count_nonzero(mixings[0], axis=-1).max()
    members = np.argsort(mixings[0] == 0, axis=-1, kind="stable")[..., :most]
    weights = np.take_along_axis(mixings, members[None], axis=-1)
    return Side(members, weights.astype(np.float32))
