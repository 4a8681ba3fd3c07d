# How the arrays of a scan are cut into slabs, and the shards that hold them.
def projected(wildcards):
    """Layout of a scan as far as its projections, which the header tells."""
    return TABLE[wildcards.scan].layout


def layout_of(scan):
    """Layout of a scan; where half acquisition is to be found, the size of slices is known once the center is."""
    if not TABLE[scan].size_open:
        return TABLE[scan].layout
    checkpoints.find_center_and_size.get(scan=scan)
    return scan_table.widened(TABLE[scan], Path(f"results/{scan}/center.json"))


def layout_so_far(scan):
    """Layout of a scan, with the detector's width until the center is found: for what Snakemake asks before."""
    entry, center = TABLE[scan], Path(f"results/{scan}/center.json")
    known = entry.size_open and center.exists()
    return scan_table.widened(entry, center) if known else entry.layout


def layout(wildcards):
    return layout_of(wildcards.scan)


def size_known(wildcards):
    """What the layout waits for, an input of each rule with a parameter from it."""
    is_open = TABLE[wildcards.scan].size_open
    return f"results/{wildcards.scan}/center.json" if is_open else []


def slab_rows(wildcards):
    slab = layout(wildcards).slabs[int(wildcards.slab)]
    return [slab.start, slab.stop]


def projection_rows(wildcards):
    slab = projected(wildcards).projection_slabs[int(wildcards.slab)]
    return [slab.start, slab.stop]


def projection_angles(wildcards):
    block = projected(wildcards).angle_blocks[int(wildcards.block)]
    return [block.start, block.stop]


def angles_of_block(wildcards):
    return list(layout(wildcards).angles_of(int(wildcards.block)))


def times_of_block(wildcards):
    block = layout(wildcards).blocks[int(wildcards.block)]
    return [block.start, block.stop]


def sections_of_block(wildcards):
    return [time * layout(wildcards).each for time in times_of_block(wildcards)]


def image_rows(wildcards):
    level = int(getattr(wildcards, "level", 0))
    slab = layout(wildcards).image_slabs(level)[int(wildcards.slab)]
    return [slab.start, slab.stop]


def one_of(names):
    """Wildcard constraint that lets these names through, and nothing where there is none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def lead(scan):
    """Part of a shard's path for the axis of channels, which only the projections of some scans have."""
    return "0/" if TABLE[scan].layout.channels > 1 else ""


def projections_of(pattern, scans):
    """`pattern` for each slab of projections."""
    return [
        pattern.format(scan=scan, lead=lead(scan), block=block.index, slab=slab.index)
        for scan in scans
        for block in TABLE[scan].layout.angle_blocks
        for slab in TABLE[scan].layout.projection_slabs
    ]


def rested(wildcards):
    """Projections that the center is found on, first and last plus one: of a dynamic scan the steps before it moves."""
    return scan_table.rested(TABLE[wildcards.scan])


def projections_of_center(wildcards):
    """Shards of these projections."""
    shapes = projected(wildcards)
    return [
        f"results/{wildcards.scan}/projections.zarr/c/{block}/{lead(wildcards.scan)}{slab.index}/0"
        for block in grid.covering(*rested(wildcards), shapes.projections.shard[0])
        for slab in shapes.projection_slabs
    ]


def slabs_of(pattern, scans, trained=False):
    """`pattern` for each slab of sections, of scans or of the scans that a function of wildcards names.

    Those that training reads alone where `trained`.
    """
    return lambda wildcards: [
        pattern.format(scan=scan, block=block, slab=slab.index)
        for scan in (scans(wildcards) if callable(scans) else scans)
        for block in blocks_of(scan, trained)
        for slab in layout_of(scan).slabs
    ]


def blocks_of(scan, trained):
    """Numbers of the blocks of time steps: of all, or of those in the window of training."""
    blocks, window = layout_of(scan).blocks, TABLE[scan].window
    return grid.covering(*(trained and window or (0, blocks[-1].stop)), blocks[0].stop)


def image_slabs_of(pattern, scans, levels=True, layout=layout_of):
    """`pattern` for each slab of the denoised volumes, of all resolutions or of the full one."""

    def files(wildcards):
        each = {scan: layout(scan) for scan in scans}
        return [
            pattern.format(scan=scan, level=level, block=block.index, slab=slab.index)
            for scan, shapes in each.items()
            for level in range(len(shapes.levels) if levels else 1)
            for block in shapes.blocks
            for slab in shapes.image_slabs(level)
        ]

    return files


def projections_around(wildcards):
    """Shards of projections that hold the rows of a slab of sections, and the projections of a block of steps."""
    slab = slab_rows(wildcards)[0] // projected(wildcards).projection_rows
    return [
        f"results/{wildcards.scan}/projections.zarr/c/{block}/{lead(wildcards.scan)}{slab}/0"
        for block in layout(wildcards).angle_blocks_of(int(wildcards.block))
    ]


def sections_around(wildcards):
    """Shards of sections that hold the rows and the time steps that denoising a slab of a block needs."""
    shapes, spec = layout(wildcards), spec_of(wildcards)
    rows = tile_plan.rows_read(spec, *image_rows(wildcards), shapes.depth)
    times = grid.with_halo(*times_of_block(wildcards), spec.steps // 2, shapes.times)
    return [
        f"results/{wildcards.scan}/sections.zarr/c/{block}/0/{slab}/0/0"
        for block in grid.covering(*times, shapes.blocks[0].stop)
        for slab in grid.covering(*rows, shapes.rows)
    ]


def intermediate(pattern):
    """Output that only leads to a volume: with `intermediates: delete` it goes as soon as nothing needs it any more."""
    return temp(pattern) if CONFIG["intermediates"] == "delete" else pattern


def middle_of(array, image):
    """Shards of all time steps that hold the rows in the middle of an array, of the denoised volume or of sections."""

    def files(wildcards):
        shapes = layout(wildcards)
        rows = needs.watched(shapes.depth)
        slabs = grid.covering(*rows, shapes.image_rows if image else shapes.rows)
        return [
            f"results/{wildcards.scan}/{array}/{block.index}/0/{slab}/0/0"
            for block in shapes.blocks
            for slab in slabs
        ]

    return files


def trained_window(wildcards):
    """Steps of a scan that its model was trained on; none where other scans trained it."""
    model = settings.model_of(CONFIG, wildcards.scan)
    trained = wildcards.scan in settings.trained_on(CONFIG, model)
    window = TABLE[wildcards.scan].window
    return list(window) if trained and window else [0, 0]
