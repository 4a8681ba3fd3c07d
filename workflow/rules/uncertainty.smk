# An uncertainty for each voxel of the clean volume, if `denoise.uncertainty` asks for it.
rule calibrate_uncertainty:
    input:
        model=lambda w: FILES.model(RUN.config.model_of(w.scan)),
        sections=FILES.sections,
        allocated=paths.SECTIONS_JSON,
        scan=paths.SCAN,
        split=paths.SPLIT,
        center=paths.CENTER,
    output:
        values=paths.UNCERTAINTY_JSON,
        pictures=paths.UNCERTAINTY_PICTURES,
    log:
        "logs/{scan}/uncertainty/calibrate.log",
    benchmark:
        "benchmarks/{scan}/uncertainty/calibrate.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("calibrate_uncertainty"),
        runtime=NEEDS.runtime("calibrate_uncertainty"),
    params:
        rows=lambda w: RUN.config.scans[w.scan].as_json().get("rows"),
        step=PARAMS.judged_step,
        ensemble=RUN.config.denoise.ensemble,
        file=lambda w: PARAMS.contents([RUN.config.model_of(w.scan)])[0],
    script:
        "../scripts/calibrate_uncertainty.py"


rule uncertain_slab:
    input:
        model=lambda w: FILES.model(RUN.config.model_of(w.scan)),
        sections=FILES.sections_around,
        allocated=paths.SECTIONS_JSON,
        split=paths.SPLIT,
        center=paths.CENTER,
        calibration=paths.UNCERTAINTY_JSON,
        array=paths.fill(paths.LEVEL_JSON, volume=paths.UNCERTAINTY, level=0),
    output:
        paths.fill(paths.IMAGE_SHARD, volume=paths.UNCERTAINTY, level=0),
    log:
        "logs/{scan}/uncertainty/{block}-{slab}.log",
    benchmark:
        "benchmarks/{scan}/uncertainty/{block}-{slab}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("uncertain_slab"),
        runtime=NEEDS.runtime("uncertain_slab"),
    params:
        rows=PARAMS.image_rows,
        times=PARAMS.times_of_block,
        ensemble=RUN.config.denoise.ensemble,
        file=lambda w: PARAMS.contents([RUN.config.model_of(w.scan)])[0],
    script:
        "../scripts/uncertain_slab.py"
