# The volumes in the formats of other programs, and the noisy volume.
rule export:
    input:
        gather("export", FILES.wanted_exports),


rule mix_slab:
    input:
        sections=FILES.sections_within,
        allocated=paths.SECTIONS_JSON,
        split=paths.SPLIT,
        center=paths.CENTER,
        array=paths.fill(paths.LEVEL_JSON, volume=paths.RECONSTRUCTION, level=0),
    output:
        paths.fill(paths.IMAGE_SHARD, volume=paths.RECONSTRUCTION, level=0),
    log:
        "logs/{scan}/export/mix-{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/export/mix-{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("mix_slab"),
    params:
        rows=PARAMS.image_rows,
        times=PARAMS.times_of_block,
    script:
        "../scripts/mix_slab.py"


rule export_tiff_slab:
    input:
        image=paths.IMAGE_JSON,
        shard=paths.fill(paths.IMAGE_SHARD, level=0),
    output:
        paths.TIFF_SLAB,
    log:
        "logs/{scan}/export/{volume}_{tiff}/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}_{tiff}-{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("export_tiff_slab"),
    params:
        rows=PARAMS.image_rows,
        times=PARAMS.times_of_block,
    script:
        "../scripts/export_tiff_slab.py"


rule describe_tiff:
    input:
        image=paths.IMAGE_JSON,
        slabs=lambda w: shards.level(
            paths.fill(paths.TIFF_SLAB, volume=w.volume, tiff=w.tiff),
            w.scan,
            RUN.layout(w.scan),
        ),
    output:
        paths.TIFF_JSON,
    log:
        "logs/{scan}/export/{volume}_{tiff}.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}_{tiff}.tsv"
    conda:
        "../../envs/learning.yaml"
    script:
        "../scripts/describe_tiff.py"


rule export_file:
    input:
        image=paths.IMAGE_JSON,
        shards=FILES.image,
    output:
        paths.EXPORTED_FILE,
    log:
        "logs/{scan}/export/{volume}-{suffix}.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}-{suffix}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("export_file"),
        runtime=NEEDS.runtime("export_file"),
    script:
        "../scripts/export_file.py"
