# Raw frames to line integrals, slab by slab.
rule correct:
    input:
        gather(
            "correct",
            projections_of("results/{scan}/projections.zarr/c/0/{slab}/0", SCANS),
        ),


rule allocate_projections:
    input:
        scan="results/{scan}/scan.json",
    output:
        "results/{scan}/projections.zarr/zarr.json",
    log:
        "logs/{scan}/allocate-projections.log",
    benchmark:
        "benchmarks/{scan}/allocate/projections.tsv"
    conda:
        "../../envs/tomography.yaml"
    params:
        shape=lambda wildcards: projected(wildcards).projections.shape,
        shard=lambda wildcards: projected(wildcards).projections.shard,
        chunk=lambda wildcards: (
            len(TABLE[wildcards.scan].scan.angles),
            1,
            TABLE[wildcards.scan].scan.columns,
        ),
        names=("angle", "y", "x"),
        compressed=False,
        config=chosen(PIXELS, "correct", "split"),
    script:
        "../scripts/allocate.py"


rule correct_slab:
    input:
        raw=raw,
        scan="results/{scan}/scan.json",
        split="results/{scan}/split.json",
        array="results/{scan}/projections.zarr/zarr.json",
    output:
        shard=intermediate("results/{scan}/projections.zarr/c/0/{slab}/0"),
        counts="results/{scan}/corrections/{slab}.json",
    log:
        "logs/{scan}/correct/{slab}.log",
    benchmark:
        "benchmarks/{scan}/correct/{slab}.tsv"
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: correction.held(
                TABLE[w.scan].scan, projected(w).projection_rows, CORRECTION
            ),
            alone=550,
        ),
    params:
        rows=projection_rows,
        settings=correct_settings,
    script:
        "../scripts/correct_slab.py"
