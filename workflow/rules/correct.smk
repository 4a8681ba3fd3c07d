# Raw frames to line integrals, slab by slab.
rule correct:
    input:
        gather(
            "correct",
            projections_of(
                "results/{scan}/projections.zarr/c/{block}/{lead}{slab}/0", SCANS
            ),
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
        chunk=lambda wildcards: projected(wildcards).projection_chunk,
        names=lambda wildcards: (
            "angle",
            *["channel"] * (projected(wildcards).channels > 1),
            "y",
            "x",
        ),
        compressed=False,
        config=chosen(PIXELS, "correct", "split"),
    script:
        "../scripts/allocate.py"


rule correct_slab:
    input:
        raw=raw,
        scan="results/{scan}/scan.json",
        measured="results/{scan}/measured.json",
        split="results/{scan}/split.json",
        array="results/{scan}/projections.zarr/zarr.json",
    output:
        shard=intermediate("results/{scan}/projections.zarr/c/{block}/{slab}/0"),
        counts="results/{scan}/corrections/{block}-{slab}.json",
    log:
        "logs/{scan}/correct/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/correct/{block}-{slab}.tsv"
    wildcard_constraints:
        scan=one_of(s for s in SCANS if not lead(s)),
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: frames.held(
                TABLE[w.scan].scan,
                projected(w).projections.shard[0],
                projected(w).projection_rows,
                options.from_settings(own("correct")(w)),
            ),
            alone=550,
        ),
    params:
        rows=projection_rows,
        angles=projection_angles,
        settings=correct_settings,
    script:
        "../scripts/correct_slab.py"


# The same for sinograms of many channels: their array has an axis more.
use rule correct_slab as correct_channels with:
    output:
        shard="results/{scan}/projections.zarr/c/{block}/0/{slab}/0",
        counts="results/{scan}/corrections/{block}-{slab}.json",
    wildcard_constraints:
        scan=one_of(s for s in SCANS if lead(s)),
