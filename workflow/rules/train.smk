# One network for each model, on the sections of one scan or of several.
rule train:
    input:
        gather(
            "train", expand("results/models/{model}/model.safetensors", model=MODELS)
        ),


rule train_model:
    input:
        sections=slabs_of(
            "results/{scan}/sections.zarr/c/{block}/0/{slab}/0/0",
            trained_on,
            trained=True,
        ),
        arrays=lambda wildcards: expand(
            "results/{scan}/sections.zarr/zarr.json", scan=trained_on(wildcards)
        ),
        geometry=lambda wildcards: expand(
            "results/{scan}/{name}.json",
            scan=trained_on(wildcards),
            name=["split", "center"],
        ),
        # Its content counts, which the request follows, and not when it was touched.
        start=lambda wildcards: [
            ancient(str(model.file))
            for name, model in FILES.items()
            if name == wildcards.model
        ],
    output:
        model="results/models/{model}/model.safetensors",
        history="results/models/{model}/history.jsonl",
    log:
        "logs/models/{model}/train.log",
    benchmark:
        "benchmarks/models/{model}/train/model.tsv"
    conda:
        "../../envs/learning.yaml"
    # Processes on each node, one for each graphics card; they share the work of each step and change no result.
    threads: 1
    resources:
        mem_mb=lambda wildcards, threads, attempt: (
            threads * megabytes(training_floats)(wildcards, attempt)
        ),
        nodes=1,
    params:
        program=training_program,
        request=training_request,
        # Told in the model, and no reason to train again.
        pixel_sizes=lambda wildcards, input: json.dumps(
            {scan: TABLE[scan].scan.pixel_size for scan in trained_on(wildcards)}
        ),
    shell:
        "{params.program:q} {params.request:q} {params.pixel_sizes:q} {output.model:q} {output.history:q} > {log:q} 2>&1"
