# The clean volume: an OME-Zarr image whose slabs and resolutions many jobs write.
IMAGES = expand("results/{scan}/denoised.ome.zarr/zarr.json", scan=SCANS)
IMAGE_SLABS = image_slabs_of(
    "results/{scan}/denoised.ome.zarr/{level}/c/0/0/{slab}/0/0", SCANS
)


rule denoise:
    input:
        IMAGES,
        gather("denoise", IMAGE_SLABS),


rule allocate_image:
    input:
        scan="results/{scan}/scan.json",
        center=size_known,
        model=lambda w: model_file(w) if projected(w).channels > 1 else [],
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
        facts=lambda wildcards: table.product_facts(
            CONFIG, TABLE, FILES, wildcards.scan, KEYS
        ),
    script:
        "../scripts/allocate_image.py"


use rule allocate_projections as allocate_level with:
    input:
        scan="results/{scan}/scan.json",
        center=size_known,
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
        runtime=lambda w, attempt: attempt
        * (30 + int(plans.denoising_minutes(spec_of(w), layout(w), CONFIG["denoise"]))),
    params:
        rows=image_rows,
        mode=CONFIG["denoise"]["input"],
        ensemble=int(CONFIG["denoise"]["ensemble"]),
        # Functions of `input` are not compared between runs: another scale denoises nothing anew.
        pixel_size=lambda wildcards, input: TABLE[wildcards.scan].scan.pixel_size,
        file=lambda wildcards: table.content(CONFIG, FILES, wildcards.scan),
    script:
        "../scripts/denoise_slab.py"


rule halve_slab:
    input:
        finer=lambda wildcards: expand(
            "results/{scan}/denoised.ome.zarr/{finer}/c/0/0/{slab}/0/0",
            scan=wildcards.scan,
            finer=int(wildcards.level) - 1,
            slab=layout(wildcards).finer_slabs(
                int(wildcards.level), int(wildcards.slab)
            ),
        ),
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
            lambda w: (
                3 * layout(w).channels * layout(w).image_rows + 16 * plans.READ_AT_ONCE
            )
            * (layout(w).size / 2 ** int(w.level)) ** 2,
            alone=450,
        ),
    params:
        rows=image_rows,
    script:
        "../scripts/halve_slab.py"
