"""How the arrays of a scan are cut into shards: decided once, from the scan's shape alone."""

from dataclasses import dataclass

from tomodenoise import grid

MEGABYTE = 2**20


@dataclass(frozen=True)
class Extent:
    """Shape of an array and of the shard that one job writes."""

    shape: tuple[int, ...]
    shard: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The arrays of one scan."""

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

    @property
    def rows(self) -> int:
        """Rows in a slab of sections, no more than in one of projections."""
        widest = max(self.angles * self.columns, self.stored * self.size**2) * 4 * self.channels
        return grid.rows_per_slab(widest, self.depth, self.slab_bytes)

    @property
    def slabs(self) -> tuple[grid.Slab, ...]:
        """Slabs of sections."""
        return grid.slabs(self.depth, self.rows)

    @property
    def projection_rows(self) -> int:
        """Rows in a slab of projections: a whole number of those of sections, as both are powers of two."""
        return grid.rows_per_slab(self.angles * self.columns * 4 * self.channels, self.depth, self.slab_bytes)

    @property
    def projection_slabs(self) -> tuple[grid.Slab, ...]:
        """Slabs of projections: thick, since each of them goes through the raw file and has a halo of its own."""
        return grid.slabs(self.depth, self.projection_rows)

    @property
    def image_rows(self) -> int:
        """Rows in a slab of the denoised volume: twice the bytes, as a graphics card works on it."""
        return max(2, grid.rows_per_slab(self.columns**2 * 4 * self.channels, self.depth, 2 * self.slab_bytes))

    @property
    def projections(self) -> Extent:
        """Line integrals (angle, y, x); (angle, channel, y, x) where there are several channels."""
        lead = (self.angles, self.channels) if self.channels > 1 else (self.angles,)
        return Extent((*lead, self.depth, self.columns), (*lead, self.projection_rows, self.columns))

    @property
    def projection_chunk(self) -> tuple[int, ...]:
        """What is read of the line integrals at once: a sinogram."""
        return (self.angles, *[1] * (len(self.projections.shape) - 2), self.columns)

    @property
    def volumes(self) -> Extent:
        """Reconstructions of sections, or of their unions, (section, channel, z, y, x)."""
        lead, slice_ = (self.stored, self.channels), (self.size, self.size)
        return Extent((*lead, self.depth, *slice_), (*lead, self.rows, *slice_))

    @property
    def levels(self) -> tuple[Extent, ...]:
        """Resolutions of the denoised volume (t, c, z, y, x), the finest one first."""
        return tuple(
            Extent((1, self.channels, *shape), (1, self.channels, self.image_rows, *shape[1:]))
            for shape in grid.pyramid((self.depth, self.size, self.size))
        )

    def image_slabs(self, level: int) -> tuple[grid.Slab, ...]:
        """Slabs of a resolution of the denoised volume."""
        return grid.slabs(self.levels[level].shape[2], self.image_rows)

    def finer_slabs(self, level: int, index: int) -> range:
        """Give the one or two slabs of the next finer resolution that a slab averages."""
        slab, depth = self.image_slabs(level)[index], self.levels[level - 1].shape[2]
        return grid.covering(2 * slab.start, min(2 * slab.stop, depth), self.image_rows)
