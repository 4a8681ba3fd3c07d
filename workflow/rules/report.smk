# Pages that a person can read without Snakemake: one, or with many scans one each and a list of them.
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
            lambda w: needs.watching(spec_of(w), layout_so_far(w.scan)), alone=450
        ),
    params:
        window=trained_window,
        seconds=lambda wildcards: TABLE[wildcards.scan].step_seconds,
        seen=lambda wildcards: spec_of(wildcards).steps,
    script:
        "../scripts/watch_series.py"


rule render_scan:
    input:
        unpack(lambda wildcards: told_of([wildcards.scan])),
    output:
        page=report(
            "results/{scan}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "{scan}"},
        ),
        row="results/{scan}/figures/row.json",
    log:
        "logs/{scan}/report.log",
    benchmark:
        "benchmarks/report/pages/{scan}.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        config=lambda wildcards: settings.only(CONFIG, [wildcards.scan]),
    script:
        "../scripts/render_scan.py"


rule render_report:
    input:
        unpack(told_of_all),
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
        config=[] if PAGED else CONFIG,
    script:
        "../scripts/list_scans.py" if PAGED else "../scripts/render_report.py"
