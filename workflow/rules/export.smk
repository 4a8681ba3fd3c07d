# The volumes in the formats of other programs, and the noisy reconstruction beside the clean one.
RECONSTRUCTION_SHARD = (
    "results/{scan}/reconstruction.ome.zarr/{level}/c/{block}/0/{slab}/0/0"
)


rule export:
    input:
        gather("export", wanted_exports),


use rule allocate_level as allocate_reconstruction_level with:
    output:
        "results/{scan}/reconstruction.ome.zarr/{level}/zarr.json",
    log:
        "logs/{scan}/allocate-reconstruction-{level}.log",
    benchmark:
        "benchmarks/{scan}/allocate/reconstruction-{level}.tsv"
    params:
        shape=lambda wildcards: layout(wildcards).levels[int(wildcards.level)].shape,
        shard=lambda wildcards: layout(wildcards).levels[int(wildcards.level)].shard,
        chunk=None,
        names=("t", "c", "z", "y", "x"),
        compressed=False,
        config=None,


rule mix_slab:
    input:
        sections=sections_within,
        allocated="results/{scan}/sections.zarr/zarr.json",
        split="results/{scan}/split.json",
        center="results/{scan}/center.json",
        array="results/{scan}/reconstruction.ome.zarr/0/zarr.json",
    output:
        "results/{scan}/reconstruction.ome.zarr/0/c/{block}/0/{slab}/0/0",
    log:
        "logs/{scan}/export/mix-{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/export/mix-{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: (
                2 * layout(w).image_rows * layout(w).levels[0].shard[0]
                + tile_plan.READ_AT_ONCE * (layout(w).each + 2)
            )
            * layout(w).channels
            * layout(w).size ** 2,
            alone=450,
        ),
    params:
        rows=image_rows,
        times=times_of_block,
    script:
        "../scripts/mix_slab.py"


use rule halve_slab as halve_reconstruction with:
    input:
        finer=lambda wildcards: expand(
            RECONSTRUCTION_SHARD,
            scan=wildcards.scan,
            level=int(wildcards.level) - 1,
            block=wildcards.block,
            slab=layout(wildcards).finer_slabs(
                int(wildcards.level), int(wildcards.slab)
            ),
        ),
        allocated=lambda wildcards: (
            f"results/{wildcards.scan}/reconstruction.ome.zarr/{int(wildcards.level) - 1}/zarr.json"
        ),
        array="results/{scan}/reconstruction.ome.zarr/{level}/zarr.json",
    output:
        "results/{scan}/reconstruction.ome.zarr/{level}/c/{block}/0/{slab}/0/0",
    log:
        "logs/{scan}/export/halve-{level}-{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/export/halve-{level}-{block}-{slab}.tsv"


use rule describe_image as describe_reconstruction with:
    input:
        scan="results/{scan}/scan.json",
        center="results/{scan}/center.json",
        slabs=image_slabs_like(RECONSTRUCTION_SHARD),
        coarsest=coarsest_of("reconstruction"),
    output:
        "results/{scan}/reconstruction.ome.zarr/zarr.json",
    log:
        "logs/{scan}/describe-reconstruction.log",
    benchmark:
        "benchmarks/{scan}/allocate/reconstruction.tsv"
    params:
        shape=lambda wildcards: layout(wildcards).levels[0].shape,
        pixel_size=lambda wildcards: TABLE[wildcards.scan].scan.pixel_size,
        step_seconds=lambda wildcards: TABLE[wildcards.scan].step_seconds,
        facts=lambda wildcards: {
            "config": chosen(
                [*SLICES, "pixel_size"], "correct", "split", "reconstruct"
            )(wildcards),
            "model": None,
            "origin": None,
            **rerun_keys.channel_facts(TABLE, wildcards.scan),
        },


rule export_tiff_slab:
    input:
        image="results/{scan}/{volume}.ome.zarr/zarr.json",
        shard="results/{scan}/{volume}.ome.zarr/0/c/{block}/0/{slab}/0/0",
    output:
        "results/{scan}/{volume}_{tiff}/slabs/{block}-{slab}.json",
    log:
        "logs/{scan}/export/{volume}_{tiff}/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}_{tiff}-{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: 3 * tile_plan.READ_AT_ONCE * layout(w).size ** 2, alone=450
        ),
    params:
        rows=image_rows,
        times=times_of_block,
    script:
        "../scripts/export_tiff_slab.py"


rule describe_tiff:
    input:
        image="results/{scan}/{volume}.ome.zarr/zarr.json",
        slabs=image_slabs_like(
            "results/{scan}/{volume}_{tiff}/slabs/{block}-{slab}.json", levels=False
        ),
    output:
        "results/{scan}/{volume}_{tiff}/volume.json",
    log:
        "logs/{scan}/export/{volume}_{tiff}.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}_{tiff}.tsv"
    conda:
        "../../envs/learning.yaml"
    script:
        "../scripts/describe_tiff.py"


rule export_hdf5:
    input:
        image="results/{scan}/{volume}.ome.zarr/zarr.json",
        slabs=image_slabs_like(
            "results/{scan}/{volume}.ome.zarr/0/c/{block}/0/{slab}/0/0", levels=False
        ),
    output:
        "results/{scan}/{volume}.h5",
    log:
        "logs/{scan}/export/{volume}-h5.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}-h5.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: 4 * tile_plan.READ_AT_ONCE * layout_so_far(w.scan).size ** 2,
            alone=450,
        ),
        runtime=lambda w, attempt: attempt
        * (30 + needs.copying_minutes(layout_so_far(w.scan))),
    script:
        "../scripts/export_hdf5.py"


rule export_ozx:
    input:
        image="results/{scan}/{volume}.ome.zarr/zarr.json",
        shards=image_slabs_like(
            "results/{scan}/{volume}.ome.zarr/{level}/c/{block}/0/{slab}/0/0"
        ),
    output:
        "results/{scan}/{volume}.ozx",
    log:
        "logs/{scan}/export/{volume}-ozx.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}-ozx.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(lambda w: 0, alone=450),
        runtime=lambda w, attempt: attempt
        * (30 + needs.copying_minutes(layout_so_far(w.scan))),
    script:
        "../scripts/export_ozx.py"
