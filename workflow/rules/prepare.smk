# The content of the raw files, the quality of their frames, and the projections of each section.
rule split:
    input:
        gather("split", paths.fill_all(paths.SPLIT, scan=RUN.scans)),


rule describe_scan:
    input:
        raw=FILES.raw,
    output:
        scan=paths.SCAN,
        measured=paths.MEASURED,
    log:
        "logs/{scan}/describe.log",
    benchmark:
        "benchmarks/{scan}/describe/scan.tsv"
    wildcard_constraints:
        scan=paths.one_of(RUN.scans),
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("describe_scan"),
    params:
        fingerprint=lambda w: RUN.entries[w.scan].scan.identity["fingerprint"],
        entry=PARAMS.raw_entry,
        settings=lambda w: RUN.config.scans[w.scan].correct.as_json(),
        last=lambda w: RUN.projected(w.scan).angle_blocks[0].stop,
        # Without their names, which shape no pixel.
        channels=lambda w: xrdct.unnamed(RUN.config.scans[w.scan]),
    script:
        "../scripts/describe_scan.py"


rule split_scan:
    input:
        scan=paths.SCAN,
    output:
        paths.SPLIT,
    log:
        "logs/{scan}/split.log",
    benchmark:
        "benchmarks/{scan}/split/scan.tsv"
    conda:
        "../../envs/tomography.yaml"
    params:
        choice=lambda w: {
            key: value
            for key, value in asdict(RUN.entries[w.scan].choice).items()
            if value is not None
        },
    script:
        "../scripts/split_scan.py"
