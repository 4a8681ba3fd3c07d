# How good the result is, without a truth or with one: on slices that the model was not trained on.
rule judge:
    input:
        gather("judge", paths.fill_all(paths.QUALITY, scan=RUN.scans)),


rule judge_scan:
    input:
        model=FILES.model,
        others=FILES.rivals,
        sections=FILES.sections,
        allocated=paths.SECTIONS_JSON,
        scan=paths.SCAN,
        split=paths.SPLIT,
        center=paths.CENTER,
        corrections=FILES.corrections,
        truth=FILES.truth,
    output:
        quality=report(
            paths.QUALITY,
            caption="../report/quality.rst",
            category="Quality",
            labels={"scan": "{scan}"},
        ),
        curves=paths.QUALITY_CURVES,
    log:
        "logs/{scan}/quality.log",
    benchmark:
        "benchmarks/{scan}/quality/scan.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=NEEDS.memory("judge_scan"),
        runtime=NEEDS.runtime("judge_scan"),
    params:
        window=PARAMS.trained_window,
        seconds=lambda w: RUN.entries[w.scan].step_seconds,
        labels=PARAMS.channel_labels,
        rows=PARAMS.crop,
        pixel_size=PARAMS.pixel_size,
        config=PARAMS.judge,
        denoise=RUN.config.denoise.as_json(),
        filters=RUN.config.filters,
        others=lambda w: RUN.rivals(w.scan),
        contents=PARAMS.judged_contents,
    script:
        "../scripts/judge_scan.py"
