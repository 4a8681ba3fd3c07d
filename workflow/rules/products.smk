# What is made of the volumes, and which of it is asked for.
EXPORTED = [
    "denoised",
    *(["reconstruction"] if "reconstruction" in CONFIG["export"] else []),
]
EXPORT_FILES = {
    "reconstruction": "results/{scan}/reconstruction.ome.zarr/zarr.json",
    "hdf5": "results/{scan}/{volume}.h5",
    **{
        kind: f"results/{{scan}}/{{volume}}_{kind}/volume.json"
        for kind in ("tiff", "tiff16", "tiff8")
    },
}


def exported(wildcards):
    """What `export` of the configuration asks for."""
    return sorted(
        {
            EXPORT_FILES[kind].format(scan=scan, volume=volume)
            for kind in CONFIG["export"]
            for scan in SCANS
            for volume in EXPORTED
        }
    )


def wanted_exports(wildcards):
    """The same where the target asks for it, so that a target with nothing to make says why."""
    if not CONFIG["export"]:
        raise WorkflowError(
            "tomodenoise: export is empty: name tiff, tiff16, tiff8, hdf5 or reconstruction there"
        )
    return exported(wildcards)


def image_slabs_like(pattern, levels=True):
    """`pattern` for each slab of the image of the scan at hand, of all resolutions or of the full one."""

    def files(wildcards):
        shapes = layout(wildcards)
        return [
            pattern.format(
                **{**dict(wildcards.items()), "level": level, "slab": slab.index}
            )
            for level in range(len(shapes.levels) if levels else 1)
            for slab in shapes.image_slabs(level)
        ]

    return files


def coarsest_of(volume):
    """The array of the coarsest resolution of an image."""
    return lambda wildcards: (
        f"results/{wildcards.scan}/{volume}.ome.zarr/{len(layout(wildcards).levels) - 1}/zarr.json"
    )


def sections_within(wildcards):
    """Shards of sections that hold the rows of a slab of the image."""
    return [
        f"results/{wildcards.scan}/sections.zarr/c/0/0/{slab}/0/0"
        for slab in grid.covering(*image_rows(wildcards), layout(wildcards).rows)
    ]
