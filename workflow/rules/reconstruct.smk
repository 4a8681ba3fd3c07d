# Each section of projections to slices, slab by slab.
rule reconstruct:
    input:
        gather(
            "reconstruct",
            slabs_of("results/{scan}/sections.zarr/c/{block}/0/{slab}/0/0", SCANS),
        ),


use rule allocate_projections as allocate_sections with:
    input:
        scan="results/{scan}/scan.json",
        center=size_known,
    output:
        "results/{scan}/sections.zarr/zarr.json",
    log:
        "logs/{scan}/allocate-sections.log",
    benchmark:
        "benchmarks/{scan}/allocate/sections.tsv"
    params:
        shape=lambda wildcards: layout(wildcards).volumes.shape,
        shard=lambda wildcards: layout(wildcards).volumes.shard,
        chunk=None,
        names=("section", "channel", "z", "y", "x"),
        compressed=False,
        config=chosen(SLICES, "correct", "split", "reconstruct"),


rule reconstruct_slab:
    input:
        projections=projections_around,
        allocated="results/{scan}/projections.zarr/zarr.json",
        split="results/{scan}/split.json",
        center="results/{scan}/center.json",
        array="results/{scan}/sections.zarr/zarr.json",
    output:
        intermediate("results/{scan}/sections.zarr/c/{block}/0/{slab}/0/0"),
    log:
        "logs/{scan}/reconstruct/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/reconstruct/{block}-{slab}.tsv"
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: needs.reconstructing(
                layout(w),
                additive=registry.capabilities(
                    *scan_table.algorithm(CONFIG, w.scan)
                ).additive,
            ),
            alone=950,
        ),
    params:
        rows=slab_rows,
        block=sections_of_block,
        angles=angles_of_block,
        settings=own("reconstruct"),
    script:
        "../scripts/reconstruct_slab.py"
