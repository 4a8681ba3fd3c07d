# A page of results to read without Snakemake; with many scans a page for each, and a list of them.
rule report:
    input:
        gather("report", paths.REPORT),


rule watch_series:
    input:
        sections=FILES.middle_sections,
        images=FILES.middle_image,
        arrays=[
            paths.SECTIONS_JSON,
            paths.fill(paths.LEVEL_JSON, volume=paths.DENOISED, level=0),
        ],
        split=paths.SPLIT,
        center=paths.CENTER,
    output:
        paths.SERIES,
    log:
        "logs/{scan}/watch.log",
    benchmark:
        "benchmarks/{scan}/watch/scan.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("watch_series"),
    params:
        window=PARAMS.trained_window,
        seconds=lambda w: RUN.entries[w.scan].step_seconds,
        seen=lambda w: RUN.spec(RUN.config.model_of(w.scan)).steps,
    script:
        "../scripts/watch_series.py"


rule render_scan:
    input:
        unpack(lambda w: FILES.page([w.scan])),
    output:
        page=report(
            paths.PAGE,
            caption="../report/report.rst",
            category="Report",
            labels={"page": "{scan}"},
        ),
        row=paths.ROW,
    log:
        "logs/{scan}/report.log",
    benchmark:
        "benchmarks/report/pages/{scan}.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        config=lambda w: RUN.config.only([w.scan]).for_report(),
    script:
        "../scripts/render_scan.py"


rule render_report:
    input:
        unpack(FILES.report),
    output:
        report(
            paths.REPORT,
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
        config=[] if RUN.is_paged else RUN.asked.for_report(),
    script:
        "../scripts/render_report.py"


rule crate:
    input:
        unpack(FILES.described),
    output:
        crate=paths.CRATE,
        config=paths.CRATE_CONFIG,
    log:
        "logs/crate.log",
    benchmark:
        "benchmarks/report/crate/crate.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        config=RUN.asked.for_report(),
        asked=RUN.config.crate.as_json() if RUN.config.crate else {},
    script:
        "../scripts/write_crate.py"
