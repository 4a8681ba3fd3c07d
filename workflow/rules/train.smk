# One network for each model, on the sections of one scan or of several.
rule train:
    input:
        gather("train", paths.fill_all(paths.MODEL, model=RUN.trained_models)),


rule train_model:
    input:
        sections=FILES.training_sections,
        arrays=FILES.training_arrays,
        geometry=FILES.training_geometry,
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
    # Processes on each node, one for each graphics card; they share the work of each step and change no result.
    threads: 1
    resources:
        mem_mb=NEEDS.memory("train_model"),
        nodes=1,
    params:
        # Functions of `input` are not compared between runs: another launcher or pixel size trains nothing again.
        program=lambda wildcards, input, threads, resources: training_program(
            PYTHON, SCRIPTS, threads, dict(resources.items())
        ),
        request=PARAMS.training_request,
        pixel_sizes=lambda wildcards, input: PARAMS.pixel_sizes(wildcards),
    shell:
        "{params.program:q} {params.request:q} {params.pixel_sizes:q} {output.model:q} {output.history:q} > {log:q} 2>&1"
