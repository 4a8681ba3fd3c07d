# How good the result is, without a truth or with one: on slices that the model was not trained on.
rule judge:
    input:
        gather("judge", expand("results/{scan}/quality.json", scan=SCANS)),


rule judge_scan:
    input:
        model=model_file,
        sections=slabs_of(
            "results/{scan}/sections.zarr/c/0/0/{slab}/0/0",
            lambda wildcards: [wildcards.scan],
        ),
        allocated="results/{scan}/sections.zarr/zarr.json",
        scan="results/{scan}/scan.json",
        split="results/{scan}/split.json",
        center="results/{scan}/center.json",
        corrections=lambda wildcards: projections_of(
            "results/{scan}/corrections/{slab}.json", [wildcards.scan]
        ),
        truth=lambda wildcards: CONFIG["scans"][wildcards.scan].get("truth", []),
    output:
        quality="results/{scan}/quality.json",
        curves="results/{scan}/figures/quality.npz",
    log:
        "logs/{scan}/quality.log",
    benchmark:
        "benchmarks/{scan}/quality/scan.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: plans.judging(spec_of(w), layout(w), CONFIG["denoise"]["input"])
        ),
    params:
        rows=lambda wildcards: CONFIG["scans"][wildcards.scan].get("rows"),
        pixel_size=lambda wildcards: TABLE[wildcards.scan].scan.pixel_size,
        correct=lambda wildcards: {"flats": CONFIG["correct"]["flats"]},
        reconstruct=CONFIG["reconstruct"],
        denoise=CONFIG["denoise"],
        file=lambda wildcards: table.content(CONFIG, FILES, wildcards.scan),
    script:
        "../scripts/judge_scan.py"
