"""Division of the arrays of a scan into shards, from the shape of the scan alone."""

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
    """Shapes and shards of the arrays of one scan.

    Results of loops over time steps or rows are cached, as planning needs them for thousands of jobs of a series.
    """

    angles: int
    depth: int
    columns: int
    size: int
    """Edge of a slice, pixels: the detector's columns, or more for an extended field of view."""
    stored: int
    """Number of stored reconstructions: the sections, or more if reconstructions are not additive."""
    slab_bytes: int
    """Approximate number of bytes that a job writes, in the stages up to the sections."""
    channels: int = 1
    """Number of measured channels; a slab holds all of them."""
    firsts: tuple[int, ...] = (0,)
    """Number of the first projection of each time step."""
    trained: tuple[int, int] = (0, 0)
    """Number of runs of sections to train on, and of sections in each; 0 for a static scan."""

    @property
    def times(self) -> int:
        """Number of time steps."""
        return len(self.firsts)

    @property
    def per_step(self) -> int:
        """Number of stored reconstructions of a time step."""
        return self.stored // self.times

    @property
    def runs(self) -> tuple[int, int]:
        """Number of runs of sections to train on, and of sections in each; a static scan is one run."""
        return self.trained if self.trained[0] else (1, self.stored)

    @cached_property
    def step_angles(self) -> int:
        """Number of projections of the longest time step."""
        return max(after - first for first, after in pairwise((*self.firsts, self.angles)))

    @property
    def _widest(self) -> int:
        """Bytes of one row of a step, in projections or in sections, whichever is larger."""
        return max(self.step_angles * self.columns, self.per_step * self.size**2) * 4 * self.channels

    @property
    def _sinogram(self) -> int:
        """Bytes of one row of the projections of a step."""
        return self.step_angles * self.columns * 4 * self.channels

    @cached_property
    def rows(self) -> int:
        """Rows in a slab of sections, at most as many as in a slab of projections."""
        return grid.rows_per_slab(self._widest, self.depth, self.slab_bytes)

    @cached_property
    def blocks(self) -> tuple[grid.Slab, ...]:
        """Blocks of time steps: one step each, or as many as fit if a slab holds all rows."""
        return grid.slabs(self.times, self._at_once(self.rows, self._widest))

    @cached_property
    def angle_blocks(self) -> tuple[grid.Slab, ...]:
        """Blocks of projections; as steps may differ in length, a step may span two blocks."""
        steps = self._at_once(self.projection_rows, self._sinogram)
        return grid.slabs(self.angles, min(steps * self.step_angles, self.angles))

    @cached_property
    def slabs(self) -> tuple[grid.Slab, ...]:
        """Slabs of sections."""
        return grid.slabs(self.depth, self.rows)

    @cached_property
    def projection_rows(self) -> int:
        """Rows in a slab of projections: a multiple of the rows in a slab of sections, as both are powers of two."""
        return grid.rows_per_slab(self._sinogram, self.depth, self.slab_bytes)

    @cached_property
    def projection_slabs(self) -> tuple[grid.Slab, ...]:
        """Slabs of projections: thick, as each reads through the raw file and has its own halo."""
        return grid.slabs(self.depth, self.projection_rows)

    @cached_property
    def image_rows(self) -> int:
        """Rows in a slab of the denoised volume: twice the bytes, as it is computed on a GPU."""
        return max(2, grid.rows_per_slab(self.columns**2 * 4 * self.channels, self.depth, 2 * self.slab_bytes))

    @property
    def projections(self) -> Extent:
        """Line integrals (angle, y, x); (angle, channel, y, x) where there are several channels."""
        channels = (self.channels,) if self.channels > 1 else ()
        shape = (self.angles, *channels, self.depth, self.columns)
        return Extent(shape, (self.angle_blocks[0].stop, *channels, self.projection_rows, self.columns))

    @property
    def projection_chunk(self) -> tuple[int, ...]:
        """Chunk of the line integrals, read at once: a sinogram."""
        return (self.angle_blocks[0].stop, *[1] * (len(self.projections.shape) - 2), self.columns)

    @property
    def volumes(self) -> Extent:
        """Reconstructions of sections, or of their unions, (section, channel, z, y, x)."""
        slice_ = (self.size, self.size)
        block = self.blocks[0].stop * self.per_step
        return Extent((self.stored, self.channels, self.depth, *slice_), (block, self.channels, self.rows, *slice_))

    @cached_property
    def levels(self) -> tuple[Extent, ...]:
        """Resolutions of the denoised volume (t, c, z, y, x), the finest first."""
        return tuple(
            Extent(
                (self.times, self.channels, *shape),
                (self.blocks[0].stop, self.channels, self.image_rows, *shape[1:]),
            )
            for shape in grid.pyramid((self.depth, self.size, self.size))
        )

    def image_slabs(self, level: int) -> tuple[grid.Slab, ...]:
        """Return the slabs of a resolution of the denoised volume."""
        return grid.slabs(self.levels[level].shape[2], self.image_rows)

    def angles_of(self, block: int) -> tuple[int, int]:
        """Return the projections of a block of time steps, [start, stop)."""
        ends = (*self.firsts, self.angles)
        steps = self.blocks[block]
        return ends[steps.start], ends[steps.stop]

    def finer_slabs(self, level: int, index: int) -> range:
        """Return the one or two slabs of the next finer resolution that a slab averages."""
        slab = self.image_slabs(level)[index]
        depth = self.levels[level - 1].shape[2]
        return grid.covering(2 * slab.start, min(2 * slab.stop, depth), self.image_rows)

    def _at_once(self, rows: int, step_bytes: int) -> int:
        """Return the time steps of a block: more than one only if a slab holds all rows."""
        fitting = self.slab_bytes // (self.depth * step_bytes) if rows >= self.depth else 1
        return min(max(fitting, 1), self.times)
