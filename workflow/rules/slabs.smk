# How the arrays of a scan are cut into slabs, and the shards that hold them.
def projected(wildcards):
    """Layout of a scan as far as its projections, which the header tells."""
    return TABLE[wildcards.scan].layout


def layout_of(scan):
    """Layout of a scan; where half acquisition is to be found, the size of slices is known once the center is."""
    if not TABLE[scan].size_open:
        return TABLE[scan].layout
    checkpoints.find_center.get(scan=scan)
    return table.widened(TABLE[scan], Path(f"results/{scan}/center.json"))


def layout_so_far(scan):
    """Layout of a scan, with the detector's width until the center is found: for what Snakemake asks before."""
    entry, center = TABLE[scan], Path(f"results/{scan}/center.json")
    known = entry.size_open and center.exists()
    return table.widened(entry, center) if known else entry.layout


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
        pattern.format(scan=scan, lead=lead(scan), slab=slab.index)
        for scan in scans
        for slab in TABLE[scan].layout.projection_slabs
    ]


def slabs_of(pattern, scans):
    """`pattern` for each slab of sections, of scans or of the scans that a function of wildcards names."""
    return lambda wildcards: [
        pattern.format(scan=scan, slab=slab.index)
        for scan in (scans(wildcards) if callable(scans) else scans)
        for slab in layout_of(scan).slabs
    ]


def image_slabs_of(pattern, scans, levels=True):
    """`pattern` for each slab of the denoised volumes, of all resolutions or of the full one."""

    def files(wildcards):
        each = {scan: layout_of(scan) for scan in scans}
        return [
            pattern.format(scan=scan, level=level, slab=slab.index)
            for scan, shapes in each.items()
            for level in range(len(shapes.levels) if levels else 1)
            for slab in shapes.image_slabs(level)
        ]

    return files


def projections_around(wildcards):
    """Shard of projections that holds the rows of a slab of sections."""
    slab = slab_rows(wildcards)[0] // projected(wildcards).projection_rows
    return (
        f"results/{wildcards.scan}/projections.zarr/c/0/{lead(wildcards.scan)}{slab}/0"
    )


def sections_around(wildcards):
    """Shards of sections that hold the rows that denoising a slab needs."""
    slab = image_rows(wildcards)
    rows = plans.rows_read(spec_of(wildcards), *slab, layout(wildcards).depth)
    return [
        f"results/{wildcards.scan}/sections.zarr/c/0/0/{slab}/0/0"
        for slab in grid.covering(*rows, layout(wildcards).rows)
    ]
