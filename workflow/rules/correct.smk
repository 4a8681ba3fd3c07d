# Raw frames to line integrals, slab by slab.
rule correct:
    input:
        gather(
            "correct",
            [f for s in RUN.scans for f in shards.projections(s, RUN.projected(s))],
        ),


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
        names=lambda w: (
            ("angle", "channel", "y", "x")
            if RUN.projected(w.scan).channels > 1
            else ("angle", "y", "x")
        ),
        compressed=False,
        config=lambda w: PARAMS.shaping(w.scan, PIXELS, "correct", "split"),
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
        scan=paths.one_of(s for s in RUN.entries if RUN.projected(s).channels == 1),
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("correct_slab"),
    params:
        rows=lambda w: list(RUN.projected(w.scan).projection_slabs[int(w.slab)]),
        angles=lambda w: list(RUN.projected(w.scan).angle_blocks[int(w.block)]),
        settings=lambda w: RUN.config.scans[w.scan].correct.as_json(),
        # Only phase retrieval depends on it.
        pixel_size=lambda w: (
            RUN.entries[w.scan].scan.pixel_size
            if RUN.config.scans[w.scan].correct.phase
            else None
        ),
    script:
        "../scripts/correct_slab.py"


# The same for sinograms of several channels, whose array has one more axis.
use rule correct_slab as correct_channels with:
    output:
        shard=paths.CHANNELS_SHARD,
        counts=paths.CORRECTIONS,
    wildcard_constraints:
        scan=paths.one_of(s for s in RUN.entries if RUN.projected(s).channels > 1),
