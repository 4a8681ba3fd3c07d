# One page that a person can read without Snakemake.
rule report:
    input:
        gather("report", "results/report.html"),


rule watch_series:
    input:
        sections=middle_of("sections.zarr/c", image=False),
        images=middle_of("denoised.ome.zarr/0/c", image=True),
        arrays=[
            "results/{scan}/sections.zarr/zarr.json",
            "results/{scan}/denoised.ome.zarr/0/zarr.json",
        ],
        split="results/{scan}/split.json",
        center="results/{scan}/center.json",
    output:
        "results/{scan}/figures/series.npz",
    log:
        "logs/{scan}/watch.log",
    benchmark:
        "benchmarks/{scan}/watch/scan.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: plans.watching(spec_of(w), layout_so_far(w.scan)), alone=450
        ),
    params:
        window=trained_window,
        seconds=lambda wildcards: TABLE[wildcards.scan].step_seconds,
        seen=lambda wildcards: spec_of(wildcards).steps,
    script:
        "../scripts/watch_series.py"


rule render_report:
    input:
        scans=expand(
            "results/{scan}/{name}.json", scan=SCANS, name=["scan", "split", "center"]
        ),
        centers=expand("results/{scan}/center.png", scan=SCANS),
        corrections=projections_of(
            "results/{scan}/corrections/{block}-{slab}.json", SCANS
        ),
        planes=image_slabs_of(
            "results/{scan}/figures/planes/{block}-{slab}.npz", SCANS, levels=False
        ),
        quality=expand("results/{scan}/quality.json", scan=SCANS),
        curves=expand("results/{scan}/figures/quality.npz", scan=SCANS),
        images=IMAGES,
        series=expand(
            "results/{scan}/figures/series.npz",
            scan=[scan for scan in SCANS if TABLE[scan].window],
        ),
        histories=expand("results/models/{model}/history.jsonl", model=MODELS),
    output:
        report(
            "results/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "all scans"},
        ),
    log:
        "logs/report.log",
    benchmark:
        "benchmarks/report/report/page.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        config=CONFIG,
    script:
        "../scripts/render_report.py"
