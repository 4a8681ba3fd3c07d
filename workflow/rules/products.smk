# What is made of the volumes, and which of it is asked for.
import shlex

EXPORTED = [
    "denoised",
    *(["reconstruction"] if "reconstruction" in CONFIG["export"] else []),
]
EXPORT_FILES = {
    "reconstruction": "results/{scan}/reconstruction.ome.zarr/zarr.json",
    "hdf5": "results/{scan}/{volume}.h5",
    "ozx": "results/{scan}/{volume}.ozx",
    **{
        kind: f"results/{{scan}}/{{volume}}_{kind}/volume.json"
        for kind in ("tiff", "tiff16", "tiff8")
    },
}


HEAVY = [
    "correct_slab",
    "find_center",
    "reconstruct_slab",
    "denoise_slab",
    "halve_slab",
]
HEAVY += ["judge_scan", "mix_slab", "export_tiff_slab", "export_hdf5", "export_ozx"]


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
            "tomodenoise: export is empty: name tiff, tiff16, tiff8, hdf5, ozx or reconstruction there"
        )
    return exported(wildcards)


def image_slabs_like(pattern, levels=True):
    """`pattern` for each slab of the image of the scan at hand, of all resolutions or of the full one."""

    def files(wildcards):
        shapes = layout(wildcards)
        return [
            pattern.format(
                **{
                    **dict(wildcards.items()),
                    "level": level,
                    "block": block.index,
                    "slab": slab.index,
                }
            )
            for level in range(len(shapes.levels) if levels else 1)
            for block in shapes.blocks
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
        f"results/{wildcards.scan}/sections.zarr/c/{wildcards.block}/0/{slab}/0/0"
        for slab in grid.covering(*image_rows(wildcards), layout(wildcards).rows)
    ]


def arrays_of(scan):
    """The arrays of a scan: path, shape, shard, and whether it lasts."""
    shapes, folder = layout_so_far(scan), f"results/{scan}"
    arrays = [
        (f"{folder}/projections.zarr", shapes.projections, False),
        (f"{folder}/sections.zarr", shapes.volumes, False),
    ]
    arrays += [
        (f"{folder}/{volume}.ome.zarr/{level}", extent, True)
        for volume in EXPORTED
        for level, extent in enumerate(shapes.levels)
    ]
    return [[path, each.shape, each.shard, lasts] for path, each, lasts in arrays]


def options_given():
    """Options that Snakemake was called with, without targets that only look: a job is another process."""
    given = [word for word in sys.argv[1:] if word not in {"verify", "check"}]
    return os.environ.setdefault("TOMODENOISE_OPTIONS", shlex.join(given))


def memory_asked(wildcards):
    """Megabytes that a job of each rule asks for at its first attempt, by scan; 0 where that is not known yet."""
    slab = {
        "block": "0",
        "slab": "0",
        "level": "1",
        "volume": "denoised",
        "tiff": "tiff",
    }
    asked = {
        scan: {rule: _asked(rule, {"scan": scan, **slab}) for rule in HEAVY}
        for scan in SCANS
    }
    models = [_asked("train_model", {"model": model}) for model in MODELS]
    return asked | {"models": {"train_model": max(models, default=0)}}


def _asked(rule, wildcards):
    try:
        resources = workflow.get_rule(rule).expand_resources(wildcards, [], 1)
        return int(resources["mem_mb"])
    except (AttributeError, IndexError, TypeError, ValueError):
        return 0


def submitting(wildcards):
    """Whether jobs go to SLURM, where this machine's memory does not count; asked of the first Snakemake."""
    executor = getattr(workflow.executor_plugin, "name", "")
    return os.environ.setdefault("TOMODENOISE_EXECUTOR", executor) == "slurm"
