"""Names of the shards of a scan's arrays: all of them, and those that hold what a job works on."""

from tomodenoise.denoising import tile_plan
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import paths, resources
from tomodenoise.storage import grid
from tomodenoise.storage.layout import Layout


def of_projections(scan: str, layout: Layout, projections: tuple[int, int] | None = None) -> list[str]:
    """Name the shards of the line integrals.

    Parameters
    ----------
    projections : [start, stop) of those wanted; all by default.
    """
    blocks = grid.covering(*(projections or (0, layout.angles)), layout.projections.shard[0])
    pattern = _pattern_of_projections(layout)
    return [
        pattern.format(scan=scan, block=block, slab=slab.index) for block in blocks for slab in layout.projection_slabs
    ]


def of_corrections(scan: str, layout: Layout) -> list[str]:
    """Name the records of the correction, one for each shard of the line integrals."""
    return [
        paths.CORRECTIONS.format(scan=scan, block=block.index, slab=slab.index)
        for block in layout.angle_blocks
        for slab in layout.projection_slabs
    ]


def of_projections_around(scan: str, layout: Layout, block: int, slab: int) -> list[str]:
    """Name the shards of line integrals that a slab of a block of sections is reconstructed from."""
    thick = layout.slabs[slab].start // layout.projection_rows
    pattern = _pattern_of_projections(layout)
    return [pattern.format(scan=scan, block=angles, slab=thick) for angles in layout.angle_blocks_of(block)]


def of_sections(scan: str, layout: Layout, window: tuple[int, int] | None = None) -> list[str]:
    """Name the shards of the sections.

    Parameters
    ----------
    window : [start, stop) of the time steps wanted; all by default.
    """
    blocks = grid.covering(*(window or (0, layout.times)), layout.blocks[0].stop)
    return [
        paths.SECTIONS_SHARD.format(scan=scan, block=block, slab=slab.index)
        for block in blocks
        for slab in layout.slabs
    ]


def of_sections_around(scan: str, layout: Layout, spec: Spec, block: int, slab: int) -> list[str]:
    """Name the shards of sections that a network reads to denoise a slab of a block of time steps."""
    rows = tile_plan.rows_read(spec, *layout.image_slabs(0)[slab].span, layout.depth)
    times = grid.with_halo(*layout.blocks[block].span, spec.steps // 2, layout.times)
    return [
        paths.SECTIONS_SHARD.format(scan=scan, block=number, slab=thin)
        for number in grid.covering(*times, layout.blocks[0].stop)
        for thin in grid.covering(*rows, layout.rows)
    ]


def of_sections_within(scan: str, layout: Layout, block: int, slab: int) -> list[str]:
    """Name the shards of sections that hold the rows of a slab of the volume."""
    slabs = grid.covering(*layout.image_slabs(0)[slab].span, layout.rows)
    return [paths.SECTIONS_SHARD.format(scan=scan, block=block, slab=thin) for thin in slabs]


def of_sections_in_the_middle(scan: str, layout: Layout) -> list[str]:
    """Name the shards of all time steps' sections that hold the rows which the report of a series shows."""
    return _in_the_middle(paths.SECTIONS_SHARD, scan, layout, layout.rows)


def of_image(scan: str, layout: Layout, volume: str) -> list[str]:
    """Name the shards of a volume, of every resolution."""
    pattern = paths.fill(paths.IMAGE_SHARD, volume=volume)
    return [name for level in range(len(layout.levels)) for name in of_level(pattern, scan, layout, level)]


def of_level(pattern: str, scan: str, layout: Layout, level: int = 0) -> list[str]:
    """Fill in a pattern for each slab of one resolution of a volume."""
    return [
        pattern.format(scan=scan, level=level, block=block.index, slab=slab.index)
        for block in layout.blocks
        for slab in layout.image_slabs(level)
    ]


def of_finer_level(scan: str, layout: Layout, volume: str, level: int, block: int, slab: int) -> list[str]:
    """Name the shards of the next finer resolution that a slab of a volume averages."""
    pattern = paths.fill(paths.IMAGE_SHARD, scan=scan, volume=volume, level=level - 1, block=block)
    return [pattern.format(slab=finer) for finer in layout.finer_slabs(level, slab)]


def of_image_in_the_middle(scan: str, layout: Layout) -> list[str]:
    """Name the shards of the denoised volume that hold the rows which the report of a series shows."""
    pattern = paths.fill(paths.IMAGE_SHARD, volume=paths.DENOISED, level=0)
    return _in_the_middle(pattern, scan, layout, layout.image_rows)


def _in_the_middle(pattern: str, scan: str, layout: Layout, rows: int) -> list[str]:
    slabs = grid.covering(*resources.watched(layout.depth), rows)
    return [pattern.format(scan=scan, block=block.index, slab=slab) for block in layout.blocks for slab in slabs]


def _pattern_of_projections(layout: Layout) -> str:
    return paths.CHANNELS_SHARD if layout.channels > 1 else paths.PROJECTIONS_SHARD
