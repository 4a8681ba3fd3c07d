# The clean volume: an OME-Zarr image whose slabs and resolutions many jobs write.
IMAGES = expand("results/{scan}/denoised.ome.zarr/zarr.json", scan=SCANS)
IMAGE_SHARD = "results/{scan}/denoised.ome.zarr/{level}/c/{block}/0/{slab}/0/0"
IMAGE_SLABS = image_slabs_of(IMAGE_SHARD, SCANS)


rule denoise:
    input:
        IMAGES,
        gather("denoise", IMAGE_SLABS),


# Last of all, so that what opens as an image is whole; no slab waits for it.
rule describe_image:
    input:
        scan="results/{scan}/scan.json",
        center="results/{scan}/center.json",
        slabs=image_slabs_like(IMAGE_SHARD),
        coarsest=coarsest_of("denoised"),
    output:
        "results/{scan}/denoised.ome.zarr/zarr.json",
    log:
        "logs/{scan}/describe-image.log",
    benchmark:
        "benchmarks/{scan}/allocate/image.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        shape=lambda wildcards: layout(wildcards).levels[0].shape,
        pixel_size=lambda wildcards: TABLE[wildcards.scan].scan.pixel_size,
        step_seconds=lambda wildcards: TABLE[wildcards.scan].step_seconds,
        facts=lambda wildcards: rerun_keys.product_facts(
            CONFIG, TABLE, FILES, wildcards.scan, KEYS
        ),
    script:
        "../scripts/describe_image.py"


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
        shard="results/{scan}/denoised.ome.zarr/0/c/{block}/0/{slab}/0/0",
        planes="results/{scan}/figures/planes/{block}-{slab}.npz",
    log:
        "logs/{scan}/denoise/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/denoise/{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: needs.denoising(
                spec_of(w), layout(w), CONFIG["denoise"]["input"]
            )
        ),
        runtime=lambda w, attempt: attempt
        * (30 + int(needs.denoising_minutes(spec_of(w), layout(w), CONFIG["denoise"]))),
    params:
        rows=image_rows,
        times=times_of_block,
        mode=CONFIG["denoise"]["input"],
        ensemble=int(CONFIG["denoise"]["ensemble"]),
        # Functions of `input` are not compared between runs: another scale denoises nothing anew.
        pixel_size=lambda wildcards, input: TABLE[wildcards.scan].scan.pixel_size,
        file=lambda wildcards: rerun_keys.content(CONFIG, FILES, wildcards.scan),
    script:
        "../scripts/denoise_slab.py"


rule halve_slab:
    input:
        finer=lambda wildcards: expand(
            "results/{scan}/denoised.ome.zarr/{finer}/c/{block}/0/{slab}/0/0",
            scan=wildcards.scan,
            finer=int(wildcards.level) - 1,
            block=wildcards.block,
            slab=layout(wildcards).finer_slabs(
                int(wildcards.level), int(wildcards.slab)
            ),
        ),
        allocated=lambda wildcards: (
            f"results/{wildcards.scan}/denoised.ome.zarr/{int(wildcards.level) - 1}/zarr.json"
        ),
        array="results/{scan}/denoised.ome.zarr/{level}/zarr.json",
    output:
        "results/{scan}/denoised.ome.zarr/{level}/c/{block}/0/{slab}/0/0",
    log:
        "logs/{scan}/pyramid/{level}-{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/pyramid/{level}-{block}-{slab}.tsv"
    wildcard_constraints:
        level=r"[1-9]\d*",
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: (
                3
                * layout(w).channels
                * layout(w).image_rows
                * layout(w).levels[0].shard[0]
                + 16 * tile_plan.READ_AT_ONCE
            )
            * (layout(w).size / 2 ** int(w.level)) ** 2,
            alone=450,
        ),
    params:
        rows=image_rows,
        times=times_of_block,
    script:
        "../scripts/halve_slab.py"
