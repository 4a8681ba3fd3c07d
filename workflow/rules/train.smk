# One network for each model, on the sections of one scan or of several.
rule train:
    input:
        gather("train", expand("results/models/{model}/model.safetensors", model=MODELS)),


def training(wildcards):
    return settings.trained_on(CONFIG, wildcards.model)


def request(wildcards):
    """All that the training script must know, as one JSON text."""
    scans = training(wildcards)
    config = {"scans": {scan: CONFIG["scans"][scan] for scan in scans}}
    config |= {section: CONFIG[section] for section in ("correct", "split", "reconstruct", "network", "train")}
    sources = {scan: TABLE[scan].scan.identity["fingerprint"] for scan in scans}
    return json.dumps({"config": config, "sources": sources})


rule train_model:
    input:
        sections=lambda wildcards: slabs_of(
            "results/{scan}/sections.zarr/c/0/0/{slab}/0/0", training(wildcards)
        ),
        arrays=lambda wildcards: ancient(
            expand("results/{scan}/sections.zarr/zarr.json", scan=training(wildcards))
        ),
        geometry=lambda wildcards: expand(
            "results/{scan}/{name}.json", scan=training(wildcards), name=["split", "center"]
        ),
    output:
        model="results/models/{model}/model.safetensors",
        history="results/models/{model}/history.jsonl",
    log:
        "logs/models/{model}/train.log",
    benchmark:
        "benchmarks/models/{model}/train/model.tsv"
    params:
        request=request,
    resources:
        mem_mb=lambda wildcards, attempt: int(attempt * (2500 + CONFIG["train"]["memory"] * 1100)),
    conda:
        "../../envs/learning.yaml"
    shell:
        # The paths are no inputs or parameters: a moved checkout must not train again.
        "{sys.executable:q} {SCRIPTS:q}/train_model.py {params.request:q} {output.model:q} {output.history:q}"
        " > {log:q} 2>&1"
