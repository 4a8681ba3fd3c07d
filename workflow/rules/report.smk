# One page that a person can read without Snakemake.
rule report:
    input:
        gather("report", "results/report.html"),


rule render_report:
    input:
        scans=expand(
            "results/{scan}/{name}.json", scan=SCANS, name=["scan", "split", "center"]
        ),
        centers=expand("results/{scan}/center.png", scan=SCANS),
        corrections=projections_of("results/{scan}/corrections/{slab}.json", SCANS),
        planes=image_slabs_of(
            "results/{scan}/figures/planes/{slab}.npz", SCANS, levels=False
        ),
        quality=expand("results/{scan}/quality.json", scan=SCANS),
        curves=expand("results/{scan}/figures/quality.npz", scan=SCANS),
        images=IMAGES,
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
