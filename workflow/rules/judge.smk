# How good the result is, without a truth or with one: on slices that the model was not trained on.
rule judge:
    input:
        gather("judge", expand("results/{scan}/quality.json", scan=SCANS)),


rule judge_scan:
    input:
        model=model_file,
        others=lambda wildcards: [
            file_of_model(name) for name in compared(wildcards.scan)
        ],
        sections=slabs_of(
            "results/{scan}/sections.zarr/c/{block}/0/{slab}/0/0",
            lambda wildcards: [wildcards.scan],
        ),
        allocated="results/{scan}/sections.zarr/zarr.json",
        scan="results/{scan}/scan.json",
        split="results/{scan}/split.json",
        center="results/{scan}/center.json",
        corrections=lambda wildcards: projections_of(
            "results/{scan}/corrections/{block}-{slab}.json", [wildcards.scan]
        ),
        truth=lambda wildcards: CONFIG["scans"][wildcards.scan].get("truth", []),
    output:
        quality=report(
            "results/{scan}/quality.json",
            caption="../report/quality.rst",
            category="Quality",
            labels={"scan": "{scan}"},
        ),
        curves="results/{scan}/figures/quality.npz",
    log:
        "logs/{scan}/quality.log",
    benchmark:
        "benchmarks/{scan}/quality/scan.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(judging_floats),
        runtime=judging_runtime,
    params:
        window=trained_window,
        seconds=lambda wildcards: TABLE[wildcards.scan].step_seconds,
        labels=channel_labels,
        rows=lambda wildcards: CONFIG["scans"][wildcards.scan].get("rows"),
        pixel_size=lambda wildcards: TABLE[wildcards.scan].scan.pixel_size,
        config=lambda wildcards: {
            "flats": own("correct")(wildcards)["flats"],
            "reconstruct": own("reconstruct")(wildcards),
        },
        denoise=CONFIG["denoise"],
        filters=[name for name in CONFIG["compare"] if name in settings.FILTERS],
        others=lambda wildcards: compared(wildcards.scan),
        # Of models that are taken from files: their content counts.
        contents=lambda wildcards: [
            FILES[name].fingerprint if name in FILES else None
            for name in judged_models(wildcards.scan)
        ],
    script:
        "../scripts/judge_scan.py"
