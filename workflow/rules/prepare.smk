# What the raw files hold and how good their frames are, and which projections form a section.
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
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("describe_scan"),
    params:
        fingerprint=PARAMS.fingerprint,
        entry=PARAMS.entry_of_pixels,
        settings=PARAMS.correct,
        last=lambda w: RUN.projected(w.scan).angle_blocks[0].stop,
        channels=PARAMS.unnamed_channels,
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
        choice=PARAMS.split,
    script:
        "../scripts/split_scan.py"
