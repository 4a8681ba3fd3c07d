# What the raw files hold and how good their frames are, and which projections form a section.
rule split:
    input:
        gather("split", expand("results/{scan}/split.json", scan=SCANS)),


rule describe_scan:
    input:
        raw=raw,
    output:
        scan="results/{scan}/scan.json",
        measured="results/{scan}/measured.json",
    log:
        "logs/{scan}/describe.log",
    benchmark:
        "benchmarks/{scan}/describe/scan.tsv"
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: frames.describing(
                TABLE[w.scan].scan,
                projected(w).angle_blocks[0].stop,
                options.from_settings(own("correct")(w)),
            ),
            alone=600,
        ),
    params:
        fingerprint=lambda w: TABLE[w.scan].scan.identity["fingerprint"],
        entry=entry_of_pixels,
        last=lambda wildcards: projected(wildcards).angle_blocks[0].stop,
        channels=lambda wildcards: xrdct.unnamed(CONFIG["scans"][wildcards.scan]),
    script:
        "../scripts/describe_scan.py"


rule split_scan:
    input:
        scan="results/{scan}/scan.json",
    output:
        "results/{scan}/split.json",
    log:
        "logs/{scan}/split.log",
    benchmark:
        "benchmarks/{scan}/split/scan.tsv"
    conda:
        "../../envs/tomography.yaml"
    params:
        choice=lambda wildcards: asdict(TABLE[wildcards.scan].choice),
    script:
        "../scripts/split_scan.py"
