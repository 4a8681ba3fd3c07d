# The clean and the noisy volume as OME-Zarr images, whose slabs and resolutions many jobs write.
use rule allocate_projections as allocate_level with:
    input:
        scan=paths.SCAN,
        center=FILES.center_if_needed,
    output:
        paths.LEVEL_JSON,
    log:
        "logs/{scan}/allocate-{volume}-{level}.log",
    benchmark:
        "benchmarks/{scan}/allocate/{volume}-{level}.tsv"
    params:
        shape=lambda w: RUN.layout(w.scan).levels[int(w.level)].shape,
        shard=lambda w: RUN.layout(w.scan).levels[int(w.level)].shard,
        chunk=None,
        names=("t", "c", "z", "y", "x"),
        # Noise does not compress.
        compressed=lambda w: w.volume != paths.RECONSTRUCTION,
        config=None,


rule halve_slab:
    input:
        finer=FILES.finer,
        allocated=lambda w: paths.LEVEL_JSON.format(
            scan=w.scan, volume=w.volume, level=int(w.level) - 1
        ),
        array=paths.LEVEL_JSON,
    output:
        paths.IMAGE_SHARD,
    log:
        "logs/{scan}/pyramid/{volume}-{level}-{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/pyramid/{volume}-{level}-{block}-{slab}.tsv"
    wildcard_constraints:
        level=r"[1-9]\d*",
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("halve_slab"),
    params:
        rows=PARAMS.image_rows,
        times=PARAMS.times_of_block,
    script:
        "../scripts/halve_slab.py"


# Last, so that an image that can be opened is complete; no slab depends on it.
rule describe_image:
    input:
        scan=paths.SCAN,
        center=paths.CENTER,
        slabs=FILES.image,
        coarsest=FILES.coarsest,
    output:
        paths.IMAGE_JSON,
    log:
        "logs/{scan}/describe-{volume}.log",
    benchmark:
        "benchmarks/{scan}/allocate/{volume}.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        shape=lambda w: RUN.layout(w.scan).levels[0].shape,
        pixel_size=lambda w: RUN.entries[w.scan].scan.pixel_size,
        step_seconds=lambda w: RUN.entries[w.scan].step_seconds,
        facts=PARAMS.image_facts,
    script:
        "../scripts/describe_image.py"
