# One network for each model, on the sections of one scan or of several.
rule train:
    input:
        gather("train", paths.fill_all(paths.MODEL, model=RUN.trained_models)),


rule train_model:
    input:
        sections=FILES.training_sections,
        arrays=lambda w: paths.fill_all(
            paths.SECTIONS_JSON, scan=RUN.config.trained_on(w.model)
        ),
        geometry=lambda w: paths.fill_all(
            [paths.SPLIT, paths.CENTER], scan=RUN.config.trained_on(w.model)
        ),
        start=FILES.start,
    output:
        model=paths.MODEL,
        history=paths.HISTORY,
    log:
        "logs/models/{model}/train.log",
    benchmark:
        "benchmarks/models/{model}/train/model.tsv"
    conda:
        "../../envs/learning.yaml"
    # Processes on each node, one for each GPU; their number changes no result.
    threads: 1
    resources:
        mem_mb=NEEDS.memory("train_model"),
        nodes=1,
        gpu=CARDS.processes,
        attempt=cards.attempt,
    params:
        # Snakemake does not compare functions of `input` between runs: a new launcher or pixel size does not retrain.
        program=lambda wildcards, input, threads, resources: training_program(
            PYTHON, SCRIPTS, threads, dict(resources.items())
        ),
        request=lambda w: json.dumps(PARAMS.training_request(w.model)),
        known=lambda wildcards, input: json.dumps(PARAMS.conditions(wildcards.model)),
    shell:
        "TOMODENOISE_ATTEMPT={resources.attempt} {params.program:q} {params.request:q} {params.known:q} {output.model:q} {output.history:q} > {log:q} 2>&1"
