# The clean volume: an OME-Zarr image whose slabs and resolutions many jobs write.
IMAGES = [
    *expand("results/{scan}/denoised.ome.zarr/zarr.json", scan=SCANS),
    *image_slabs_of("results/{scan}/denoised.ome.zarr/{level}/c/0/0/{slab}/0/0", SCANS),
]


def model_of(wildcards):
    return settings.model_of(CONFIG, wildcards.scan)


def spec_of(wildcards):
    """Network that denoises a scan."""
    return table.spec_of(CONFIG, FILES, model_of(wildcards))


def model_file(wildcards):
    """The model that denoises a scan: a product, or a file; ancient, since its content counts."""
    name = model_of(wildcards)
    if name in MODELS:
        return f"results/models/{name}/model.safetensors"
    return ancient(str(FILES[name].file))


def file_fingerprint(wildcards):
    """Content of the file that a model is taken from, so that other weights denoise again."""
    name = model_of(wildcards)
    return None if name in MODELS else FILES[name].fingerprint


def sections_around(wildcards):
    """Shards of sections that hold the rows that denoising a slab needs."""
    rows = plans.rows_read(
        spec_of(wildcards), *image_rows(wildcards), layout(wildcards).depth
    )
    return [
        f"results/{wildcards.scan}/sections.zarr/c/0/0/{slab}/0/0"
        for slab in grid.covering(*rows, layout(wildcards).rows)
    ]


def finer_slabs(wildcards):
    """The one or two slabs of the next finer resolution that a slab averages."""
    finer = int(wildcards.level) - 1
    rows = [2 * row for row in image_rows(wildcards)]
    depth = layout(wildcards).levels[finer].shape[2]
    return [
        f"results/{wildcards.scan}/denoised.ome.zarr/{finer}/c/0/0/{slab}/0/0"
        for slab in grid.covering(
            rows[0], min(rows[1], depth), layout(wildcards).image_rows
        )
    ]


rule denoise:
    input:
        gather("denoise", IMAGES),


rule allocate_image:
    input:
        scan="results/{scan}/scan.json",
    output:
        "results/{scan}/denoised.ome.zarr/zarr.json",
    log:
        "logs/{scan}/allocate-image.log",
    benchmark:
        "benchmarks/{scan}/allocate/image.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        shape=lambda wildcards: layout(wildcards).levels[0].shape,
        pixel_size=lambda wildcards: TABLE[wildcards.scan].scan.pixel_size or 1.0,
        facts=lambda wildcards: table.product_facts(CONFIG, FILES, wildcards.scan, KEYS),
    script:
        "../scripts/allocate_image.py"


use rule allocate_projections as allocate_level with:
    output:
        "results/{scan}/denoised.ome.zarr/{level}/zarr.json",
    log:
        "logs/{scan}/allocate-level-{level}.log",
    benchmark:
        "benchmarks/{scan}/allocate/level-{level}.tsv"
    params:
        shape=lambda wildcards: layout(wildcards).levels[int(wildcards.level)].shape,
        shard=lambda wildcards: layout(wildcards).levels[int(wildcards.level)].shard,
        chunk=None,
        names=("t", "c", "z", "y", "x"),
        compressed=True,
        config=None,


rule denoise_slab:
    input:
        model=model_file,
        sections=sections_around,
        allocated="results/{scan}/sections.zarr/zarr.json",
        split="results/{scan}/split.json",
        center="results/{scan}/center.json",
        array="results/{scan}/denoised.ome.zarr/0/zarr.json",
    output:
        shard="results/{scan}/denoised.ome.zarr/0/c/0/0/{slab}/0/0",
        planes="results/{scan}/figures/planes/{slab}.npz",
    log:
        "logs/{scan}/denoise/{slab}.log",
    benchmark:
        "benchmarks/{scan}/denoise/{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: plans.denoising(
                spec_of(w), layout(w), CONFIG["denoise"]["input"]
            )
        ),
    params:
        rows=image_rows,
        mode=CONFIG["denoise"]["input"],
        ensemble=int(CONFIG["denoise"]["ensemble"]),
        # Functions of `input` are not compared between runs: another scale denoises nothing anew.
        pixel_size=lambda wildcards, input: TABLE[wildcards.scan].scan.pixel_size,
        file=file_fingerprint,
    script:
        "../scripts/denoise_slab.py"


rule halve_slab:
    input:
        finer=finer_slabs,
        allocated=lambda wildcards: (
            f"results/{wildcards.scan}/denoised.ome.zarr/{int(wildcards.level) - 1}/zarr.json"
        ),
        array="results/{scan}/denoised.ome.zarr/{level}/zarr.json",
    output:
        "results/{scan}/denoised.ome.zarr/{level}/c/0/0/{slab}/0/0",
    log:
        "logs/{scan}/pyramid/{level}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/pyramid/{level}-{slab}.tsv"
    wildcard_constraints:
        level=r"[1-9]\d*",
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: 3
            * layout(w).image_rows
            * (layout(w).columns / 2 ** int(w.level)) ** 2
        ),
    params:
        rows=image_rows,
    script:
        "../scripts/halve_slab.py"
