# Before a run: its jobs, their time, memory and disk space, and problems. Runs whenever it is a target.
rule check:
    log:
        "logs/check.log",
    conda:
        "../../envs/learning.yaml"
    params:
        config=RUN.asked.as_json(),
        # Unknown on a cluster.
        cores=workflow.resource_settings.cores or 1,
        # To a cluster, where this machine's memory does not matter.
        submitting=lambda w: (
            snakemake_internals.from_first_process(
                "EXECUTOR", snakemake_internals.executor(workflow)
            )
            == "slurm"
        ),
    script:
        "../scripts/check.py"
