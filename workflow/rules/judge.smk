# The quality of the result on slices that the model was not trained on, with a truth or without.
rule judge:
    input:
        gather("judge", paths.fill_all(paths.QUALITY, scan=RUN.scans)),


rule judge_scan:
    input:
        model=lambda w: FILES.model(RUN.config.model_of(w.scan)),
        others=lambda w: [FILES.model(name) for name in RUN.rivals(w.scan)],
        sections=FILES.sections,
        allocated=paths.SECTIONS_JSON,
        scan=paths.SCAN,
        split=paths.SPLIT,
        center=paths.CENTER,
        corrections=lambda w: shards.corrections(w.scan, RUN.projected(w.scan)),
        truth=lambda w: RUN.config.scans[w.scan].truth or [],
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
        gpu=CARDS.one,
        attempt=cards.attempt,
        runtime=NEEDS.runtime("judge_scan"),
    params:
        window=PARAMS.trained_window,
        seconds=lambda w: RUN.entries[w.scan].step_seconds,
        labels=lambda w: RUN.entries[w.scan].channel_labels,
        rows=lambda w: RUN.config.scans[w.scan].as_json().get("rows"),
        pixel_size=lambda w: RUN.entries[w.scan].scan.pixel_size,
        config=lambda w: {
            "flats": RUN.config.scans[w.scan].correct.flats,
            "reconstruct": RUN.config.scans[w.scan].reconstruct.as_json(),
        },
        denoise=RUN.config.denoise.applied,
        filters=RUN.config.filters,
        others=lambda w: RUN.rivals(w.scan),
        contents=lambda w: PARAMS.contents(RUN.judged_models(w.scan)),
    script:
        "../scripts/judge_scan.py"
