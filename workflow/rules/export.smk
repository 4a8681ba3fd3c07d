# The volumes in the formats of other programs, and the noisy reconstruction beside the clean one.
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
        slabs=FILES.tiff_slabs,
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


rule export_hdf5:
    input:
        image=paths.IMAGE_JSON,
        slabs=FILES.finest_image,
    output:
        paths.HDF5,
    log:
        "logs/{scan}/export/{volume}-h5.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}-h5.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("export_hdf5"),
        runtime=NEEDS.runtime("export_hdf5"),
    script:
        "../scripts/export_hdf5.py"


rule export_ozx:
    input:
        image=paths.IMAGE_JSON,
        shards=FILES.image,
    output:
        paths.OZX,
    log:
        "logs/{scan}/export/{volume}-ozx.log",
    benchmark:
        "benchmarks/{scan}/export/{volume}-ozx.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("export_ozx"),
        runtime=NEEDS.runtime("export_ozx"),
    script:
        "../scripts/export_ozx.py"
