# One network for each model, on the sections of one scan or of several.
rule train:
    input:
        gather(
            "train", expand("results/models/{model}/model.safetensors", model=MODELS)
        ),


rule train_model:
    input:
        sections=lambda wildcards: slabs_of(
            "results/{scan}/sections.zarr/c/0/0/{slab}/0/0", trained_on(wildcards)
        ),
        arrays=lambda wildcards: expand(
            "results/{scan}/sections.zarr/zarr.json", scan=trained_on(wildcards)
        ),
        geometry=lambda wildcards: expand(
            "results/{scan}/{name}.json",
            scan=trained_on(wildcards),
            name=["split", "center"],
        ),
    output:
        model="results/models/{model}/model.safetensors",
        history="results/models/{model}/history.jsonl",
    log:
        "logs/models/{model}/train.log",
    benchmark:
        "benchmarks/models/{model}/train/model.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: int(
            attempt * (2500 + CONFIG["train"]["memory"] * 1100)
        ),
    params:
        # Functions of `input` are not compared between runs: a moved checkout must not train again.
        program=lambda wildcards, input: [PYTHON, str(SCRIPTS / "train_model.py")],
        request=training_request,
    shell:
        "{params.program:q} {params.request:q} {output.model:q} {output.history:q} > {log:q} 2>&1"
