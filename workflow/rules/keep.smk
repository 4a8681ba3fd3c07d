# After a run: whether all that is there is whole, and what may go. Without output or benchmark they run whenever they are asked for.
rule verify:
    log:
        "logs/verify.log",
    conda:
        "../../envs/learning.yaml"
    threads: 8
    params:
        arrays=[array for scan in SCANS for array in arrays_of(scan)],
        scans=SCANS,
        models=MODELS,
        options=options_given(),
    script:
        "../scripts/verify.py"


rule clean_intermediates:
    log:
        "logs/clean-intermediates.log",
    conda:
        "../../envs/learning.yaml"
    threads: 8
    params:
        arrays={scan: arrays_of(scan) for scan in SCANS},
    script:
        "../scripts/clean_intermediates.py"
