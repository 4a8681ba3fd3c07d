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
        compressed=False,
        config=PARAMS.of_sections,


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
    params:
        rows=PARAMS.slab_rows,
        block=PARAMS.sections_of_block,
        angles=PARAMS.angles_of_block,
        settings=PARAMS.reconstruct,
    script:
        "../scripts/reconstruct_slab.py"
