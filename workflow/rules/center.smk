# The column of the rotation axis, found once for each scan on rows of its whole height.
rule center:
    input:
        gather(
            "center",
            expand("results/{scan}/center.{kind}", scan=SCANS, kind=["json", "png"]),
        ),


# Whenever a checkpoint ends, Snakemake works out all that waits for it anew: only for scans whose slices get their
# size from the center.
checkpoint find_center_and_size:
    input:
        scan="results/{scan}/scan.json",
        array="results/{scan}/projections.zarr/zarr.json",
        projections=projections_of_center,
    output:
        center="results/{scan}/center.json",
        figure=report(
            "results/{scan}/center.png",
            caption="../report/center.rst",
            category="Rotation axis",
            labels={"scan": "{scan}"},
        ),
    log:
        "logs/{scan}/center.log",
    benchmark:
        "benchmarks/{scan}/center/scan.tsv"
    wildcard_constraints:
        scan=one_of(s for s in SCANS if TABLE[s].size_open),
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=megabytes(
            lambda w: (200 + 2 * projected(w).channels)
            * rested(w)[1]
            * projected(w).columns,
            alone=800,
        ),
    params:
        wanted=lambda wildcards: {
            "center": CONFIG["scans"][wildcards.scan]["center"],
            "tilt": CONFIG["scans"][wildcards.scan]["tilt"],
            "field": TABLE[wildcards.scan].field,
        },
        angles=rested,
        engine=lambda wildcards: own("reconstruct")(wildcards)["engine"],
    script:
        "../scripts/find_center.py"


use rule find_center_and_size as find_center with:
    wildcard_constraints:
        scan=one_of(s for s in SCANS if not TABLE[s].size_open),
