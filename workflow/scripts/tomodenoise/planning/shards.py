"""Names of the shards of a scan's arrays that hold given ranges, [start, stop); all shards by default."""

from tomodenoise.planning import paths
from tomodenoise.storage import grid
from tomodenoise.storage.layout import Layout

Range = tuple[int, int]


def projections(scan: str, layout: Layout, angles: Range | None = None, rows: Range | None = None) -> list[str]:
    """Return the shards of the line integrals that hold a range of projections and of detector rows."""
    pattern = paths.CHANNELS_SHARD if layout.channels > 1 else paths.PROJECTIONS_SHARD
    blocks = grid.covering(*(angles or (0, layout.angles)), layout.angle_blocks[0].stop)
    slabs = grid.covering(*(rows or (0, layout.depth)), layout.projection_rows)
    return paths.fill_all(pattern, scan=[scan], block=blocks, slab=slabs)


def corrections(scan: str, layout: Layout) -> list[str]:
    """Return the records of the correction, one for each shard of the line integrals."""
    blocks = range(len(layout.angle_blocks))
    return paths.fill_all(paths.CORRECTIONS, scan=[scan], block=blocks, slab=range(len(layout.projection_slabs)))


def sections(scan: str, layout: Layout, times: Range | None = None, rows: Range | None = None) -> list[str]:
    """Return the shards of the sections that hold a range of time steps and of rows."""
    blocks = grid.covering(*(times or (0, layout.times)), layout.blocks[0].stop)
    slabs = grid.covering(*(rows or (0, layout.depth)), layout.rows)
    return paths.fill_all(paths.SECTIONS_SHARD, scan=[scan], block=blocks, slab=slabs)


def level(pattern: str, scan: str, layout: Layout, number: int = 0, rows: Range | None = None) -> list[str]:
    """Fill in a pattern for the slabs of one resolution of a volume that hold a range of rows, at all time steps."""
    slabs = grid.covering(*(rows or (0, layout.levels[number].shape[2])), layout.image_rows)
    return paths.fill_all(pattern, scan=[scan], level=[number], block=range(len(layout.blocks)), slab=slabs)


def volume(scan: str, layout: Layout, name: str) -> list[str]:
    """Return the shards of a volume, of all resolutions."""
    pattern = paths.fill(paths.IMAGE_SHARD, volume=name)
    return [shard for number in range(len(layout.levels)) for shard in level(pattern, scan, layout, number)]
