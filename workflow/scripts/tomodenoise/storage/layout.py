"""How the arrays of a scan are cut into shards: decided once, from the scan's shape alone."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tomodenoise.storage import grid

MEGABYTE = 2**20


@dataclass(frozen=True)
class Extent:
    """Shape of an array and of the shard that one job writes."""

    shape: tuple[int, ...]
    shard: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The arrays of one scan.

    What goes through all time steps or rows is kept, as planning asks it for each of a series' thousands of jobs.
    """

    angles: int
    depth: int
    columns: int
    size: int
    """Edge of a slice, pixels: the detector's columns, or more in an extended field of view."""
    stored: int
    """Reconstructions that are kept: the sections, or more where these do not add up."""
    slab_bytes: int
    """What a job of the stages up to the sections writes, about."""
    channels: int = 1
    """Measured channels; a slab holds all of them."""
    firsts: tuple[int, ...] = (0,)
    """Number of the first projection of each time step."""
    trained: tuple[int, int] = (0, 0)
    """Runs of sections that training learns from, and sections in each; those of a static scan where it is 0."""

    @property
    def times(self) -> int:
        """Time steps."""
        return len(self.firsts)

    @property
    def each(self) -> int:
        """Reconstructions that are kept of a time step."""
        return self.stored // self.times

    @property
    def runs(self) -> tuple[int, int]:
        """Runs of sections that training learns from, and sections in each."""
        return self.trained if self.trained[0] else (1, self.stored)

    @cached_property
    def step_angles(self) -> int:
        """Projections of the longest time step."""
        return max(after - first for first, after in pairwise((*self.firsts, self.angles)))

    @property
    def _widest(self) -> int:
        """Bytes of a row of one step, of its projections or its sections."""
        return max(self.step_angles * self.columns, self.each * self.size**2) * 4 * self.channels

    @property
    def _sinogram(self) -> int:
        """Bytes of a row of the projections of one step."""
        return self.step_angles * self.columns * 4 * self.channels

    @cached_property
    def rows(self) -> int:
        """Rows in a slab of sections, no more than in one of projections."""
        return grid.rows_per_slab(self._widest, self.depth, self.slab_bytes)

    @cached_property
    def blocks(self) -> tuple[grid.Slab, ...]:
        """Blocks of time steps: one step, or as many as fit where a slab holds all rows."""
        return grid.slabs(self.times, self._at_once(self.rows, self._widest))

    @cached_property
    def angle_blocks(self) -> tuple[grid.Slab, ...]:
        """Blocks of projections; steps need not hold equally many, so they may begin in one and end in the next."""
        steps = self._at_once(self.projection_rows, self._sinogram)
        return grid.slabs(self.angles, min(steps * self.step_angles, self.angles))

    @cached_property
    def slabs(self) -> tuple[grid.Slab, ...]:
        """Slabs of sections."""
        return grid.slabs(self.depth, self.rows)

    @cached_property
    def projection_rows(self) -> int:
        """Rows in a slab of projections: a whole number of those of sections, as both are powers of two."""
        return grid.rows_per_slab(self._sinogram, self.depth, self.slab_bytes)

    @cached_property
    def projection_slabs(self) -> tuple[grid.Slab, ...]:
        """Slabs of projections: thick, since each of them goes through the raw file and has a halo of its own."""
        return grid.slabs(self.depth, self.projection_rows)

    @cached_property
    def image_rows(self) -> int:
        """Rows in a slab of the denoised volume: twice the bytes, as a graphics card works on it."""
        return max(2, grid.rows_per_slab(self.columns**2 * 4 * self.channels, self.depth, 2 * self.slab_bytes))

    @property
    def projections(self) -> Extent:
        """Line integrals (angle, y, x); (angle, channel, y, x) where there are several channels."""
        channels, block = (self.channels,) if self.channels > 1 else (), self.angle_blocks[0].stop
        rest = (*channels, self.depth, self.columns), (*channels, self.projection_rows, self.columns)
        return Extent((self.angles, *rest[0]), (block, *rest[1]))

    @property
    def projection_chunk(self) -> tuple[int, ...]:
        """What is read of the line integrals at once: a sinogram."""
        return (self.angle_blocks[0].stop, *[1] * (len(self.projections.shape) - 2), self.columns)

    @property
    def volumes(self) -> Extent:
        """Reconstructions of sections, or of their unions, (section, channel, z, y, x)."""
        slice_, block = (self.size, self.size), self.blocks[0].stop * self.each
        return Extent((self.stored, self.channels, self.depth, *slice_), (block, self.channels, self.rows, *slice_))

    @cached_property
    def levels(self) -> tuple[Extent, ...]:
        """Resolutions of the denoised volume (t, c, z, y, x), the finest one first."""
        return tuple(
            Extent(
                (self.times, self.channels, *shape),
                (self.blocks[0].stop, self.channels, self.image_rows, *shape[1:]),
            )
            for shape in grid.pyramid((self.depth, self.size, self.size))
        )

    def image_slabs(self, level: int) -> tuple[grid.Slab, ...]:
        """Slabs of a resolution of the denoised volume."""
        return grid.slabs(self.levels[level].shape[2], self.image_rows)

    def angles_of(self, block: int) -> tuple[int, int]:
        """Projections of a block of time steps, the first and the last plus one."""
        ends, steps = (*self.firsts, self.angles), self.blocks[block]
        return ends[steps.start], ends[steps.stop]

    def angle_blocks_of(self, block: int) -> range:
        """Give the blocks of projections that hold those of a block of time steps."""
        return grid.covering(*self.angles_of(block), self.angle_blocks[0].stop)

    def finer_slabs(self, level: int, index: int) -> range:
        """Give the one or two slabs of the next finer resolution that a slab averages."""
        slab, depth = self.image_slabs(level)[index], self.levels[level - 1].shape[2]
        return grid.covering(2 * slab.start, min(2 * slab.stop, depth), self.image_rows)

    def _at_once(self, rows: int, step_bytes: int) -> int:
        """Time steps of a block: more than one only where a slab holds all rows."""
        fitting = self.slab_bytes // (self.depth * step_bytes) if rows >= self.depth else 1
        return min(max(fitting, 1), self.times)
