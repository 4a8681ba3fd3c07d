# Before a run: what it will do, take and need, and whether something stands in its way. Runs whenever it is asked for.
rule check:
    log:
        "logs/check.log",
    conda:
        "../../envs/learning.yaml"
    params:
        config=RUN.config.as_json(),
        # Of a cluster it is not known.
        cores=workflow.resource_settings.cores or 1,
        # Then this machine's memory does not count.
        submitting=lambda w: (
            snakemake_internals.from_first_process(
                "EXECUTOR", snakemake_internals.executor(workflow)
            )
            == "slurm"
        ),
    script:
        "../scripts/check.py"
