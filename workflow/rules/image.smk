# Volumes as OME-Zarr images, the clean one and the noisy one, whose slabs and resolutions many jobs write.
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
        compressed=lambda w: w.volume == paths.DENOISED,
        config=None,


rule halve_slab:
    input:
        finer=FILES.finer,
        allocated=FILES.finer_array,
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
        rows=PARAMS.level_rows,
        times=PARAMS.times_of_block,
    script:
        "../scripts/halve_slab.py"


# Last of all, so that what opens as an image is whole; no slab waits for it.
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
        pixel_size=PARAMS.pixel_size,
        step_seconds=lambda w: RUN.entries[w.scan].step_seconds,
        facts=PARAMS.of_image,
    script:
        "../scripts/describe_image.py"
