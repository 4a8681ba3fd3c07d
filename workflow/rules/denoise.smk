# The clean volume, slab by slab.
rule denoise:
    input:
        paths.fill_all(paths.IMAGE_JSON, scan=RUN.scans, volume=RUN.results),
        gather("denoise", FILES.denoised),


rule denoise_slab:
    input:
        model=lambda w: FILES.model(RUN.config.model_of(w.scan)),
        sections=FILES.sections_around,
        allocated=paths.SECTIONS_JSON,
        split=paths.SPLIT,
        center=paths.CENTER,
        array=paths.fill(paths.LEVEL_JSON, volume=paths.DENOISED, level=0),
    output:
        shard=paths.fill(paths.IMAGE_SHARD, volume=paths.DENOISED, level=0),
        planes=paths.PLANES,
    log:
        "logs/{scan}/denoise/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/denoise/{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("denoise_slab"),
        gpu=CARDS.one,
        attempt=cards.attempt,
        runtime=NEEDS.runtime("denoise_slab"),
    params:
        rows=PARAMS.image_rows,
        times=PARAMS.times_of_block,
        mode=RUN.config.denoise.input,
        ensemble=RUN.config.denoise.ensemble,
        # Snakemake does not compare functions of `input` between runs: a new pixel size does not rerun denoising.
        pixel_size=lambda wildcards, input: RUN.entries[wildcards.scan].scan.pixel_size,
        file=lambda w: PARAMS.contents([RUN.config.model_of(w.scan)])[0],
    script:
        "../scripts/denoise_slab.py"
