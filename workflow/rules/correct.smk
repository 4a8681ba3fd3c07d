# Raw frames to line integrals, slab by slab.
rule correct:
    input:
        gather("correct", FILES.projections(RUN.scans)),


rule allocate_projections:
    input:
        scan=paths.SCAN,
    output:
        paths.PROJECTIONS_JSON,
    log:
        "logs/{scan}/allocate-projections.log",
    benchmark:
        "benchmarks/{scan}/allocate/projections.tsv"
    conda:
        "../../envs/tomography.yaml"
    params:
        shape=lambda w: RUN.projected(w.scan).projections.shape,
        shard=lambda w: RUN.projected(w.scan).projections.shard,
        chunk=lambda w: RUN.projected(w.scan).projection_chunk,
        names=PARAMS.projections_axes,
        compressed=False,
        config=PARAMS.of_projections,
    script:
        "../scripts/allocate.py"


rule correct_slab:
    input:
        raw=FILES.raw,
        scan=paths.SCAN,
        measured=paths.MEASURED,
        split=paths.SPLIT,
        array=paths.PROJECTIONS_JSON,
    output:
        shard=intermediate(paths.PROJECTIONS_SHARD),
        counts=paths.CORRECTIONS,
    log:
        "logs/{scan}/correct/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/correct/{block}-{slab}.tsv"
    wildcard_constraints:
        scan=paths.one_of(s for s in RUN.scans if RUN.projected(s).channels == 1),
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("correct_slab"),
    params:
        rows=PARAMS.projection_rows,
        angles=PARAMS.projection_angles,
        settings=PARAMS.correct,
        pixel_size=PARAMS.pixel_size_of_phase,
    script:
        "../scripts/correct_slab.py"


# The same for sinograms of several channels: their array has an axis more.
use rule correct_slab as correct_channels with:
    output:
        shard=paths.CHANNELS_SHARD,
        counts=paths.CORRECTIONS,
    wildcard_constraints:
        scan=paths.one_of(s for s in RUN.scans if RUN.projected(s).channels > 1),
