# Before a run: what it will do, take and need, and whether something stands in its way. Runs whenever it is asked for.
rule check:
    log:
        "logs/check.log",
    conda:
        "../../envs/learning.yaml"
    params:
        config=CONFIG,
        memory=memory_asked,
        # Of a cluster it is not known.
        cores=workflow.resource_settings.cores or 1,
        submitting=submitting,
    script:
        "../scripts/check.py"
