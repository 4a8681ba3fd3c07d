# After a run: check that all products are complete, and delete intermediates. Rules without output run whenever they
# are a target.
rule verify:
    log:
        "logs/verify.log",
    conda:
        "../../envs/learning.yaml"
    threads: 8
    params:
        arrays=lambda w: [
            array
            for scan in (*RUN.scans, *RUN.virtual)
            for array in PARAMS.arrays(scan)
        ],
        scans=RUN.scans,
        parts=list(RUN.virtual),
        models=[*RUN.trained_models, *RUN.virtual],
        options=snakemake_internals.from_first_process("OPTIONS", hooks.options()),
    script:
        "../scripts/verify.py"


rule clean_intermediates:
    log:
        "logs/clean-intermediates.log",
    conda:
        "../../envs/learning.yaml"
    threads: 8
    params:
        arrays=lambda w: {
            scan: [PARAMS.judgements(scan), PARAMS.arrays(scan)]
            for scan in (*RUN.scans, *RUN.virtual)
        },
    script:
        "../scripts/clean_intermediates.py"
