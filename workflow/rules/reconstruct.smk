# Each section of projections to slices, slab by slab.
rule reconstruct:
    input:
        gather("reconstruct", FILES.all_sections),


use rule allocate_projections as allocate_sections with:
    input:
        scan=paths.SCAN,
        center=FILES.center_if_needed,
    output:
        paths.SECTIONS_JSON,
    log:
        "logs/{scan}/allocate-sections.log",
    benchmark:
        "benchmarks/{scan}/allocate/sections.tsv"
    params:
        shape=lambda w: RUN.layout(w.scan).volumes.shape,
        shard=lambda w: RUN.layout(w.scan).volumes.shard,
        chunk=None,
        names=("section", "channel", "z", "y", "x"),
        compressed=lambda w: RUN.config.scans[w.scan].reconstruct.bits == 16,
        config=lambda w: PARAMS.shaping(w.scan, SLICES, *PER_SCAN),


rule reconstruct_slab:
    input:
        projections=FILES.projections_around,
        allocated=paths.PROJECTIONS_JSON,
        split=paths.SPLIT,
        center=paths.CENTER,
        array=paths.SECTIONS_JSON,
    output:
        intermediate(paths.SECTIONS_SHARD),
    log:
        "logs/{scan}/reconstruct/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/reconstruct/{block}-{slab}.tsv"
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("reconstruct_slab"),
        gpu=CARDS.one,
        attempt=cards.attempt,
    params:
        rows=lambda w: list(RUN.layout(w.scan).slabs[int(w.slab)]),
        block=PARAMS.sections_of_block,
        angles=lambda w: list(RUN.layout(w.scan).angles_of(int(w.block))),
        settings=lambda w: RUN.config.scans[w.scan].reconstruct.as_json(),
    script:
        "../scripts/reconstruct_slab.py"
