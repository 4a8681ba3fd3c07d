# What the raw files hold, and which projections form a section: from headers alone.
rule split:
    input:
        gather("split", expand("results/{scan}/split.json", scan=SCANS)),


rule describe_scan:
    input:
        raw=raw,
    output:
        "results/{scan}/scan.json",
    log:
        "logs/{scan}/describe.log",
    benchmark:
        "benchmarks/{scan}/describe/scan.tsv"
    conda:
        "../../envs/tomography.yaml"
    params:
        fingerprint=lambda w: TABLE[w.scan].scan.identity["fingerprint"],
        input=CONFIG["correct"]["input"],
        rows=lambda wildcards: CONFIG["scans"][wildcards.scan].get("rows"),
        series=lambda wildcards: (
            recipes.relevant(
                CONFIG,
                TABLE,
                wildcards.scan,
                ["mode", "steps", "entry", "exclude"],
                (),
            )
        )["scans"][wildcards.scan],
        channels=lambda wildcards: scans.unnamed(CONFIG["scans"][wildcards.scan]),
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
