# The column of the rotation axis, found once for each scan on rows of its whole height.
rule center:
    input:
        gather(
            "center",
            paths.fill_all([paths.CENTER, paths.CENTER_FIGURE], scan=RUN.scans),
        ),


# Whenever a checkpoint ends, Snakemake works out again all that waits for it: only for scans whose slices get their
# size from the center.
checkpoint find_center_and_size:
    input:
        scan=paths.SCAN,
        array=paths.PROJECTIONS_JSON,
        projections=FILES.projections_of_center,
    output:
        center=paths.CENTER,
        figure=report(
            paths.CENTER_FIGURE,
            caption="../report/center.rst",
            category="Rotation axis",
            labels={"scan": "{scan}"},
        ),
    log:
        "logs/{scan}/center.log",
    benchmark:
        "benchmarks/{scan}/center/scan.tsv"
    wildcard_constraints:
        scan=paths.one_of(s for s in RUN.scans if RUN.entries[s].size_open),
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("find_center"),
    params:
        wanted=PARAMS.center,
        angles=PARAMS.rested,
        engine=PARAMS.engine,
    script:
        "../scripts/find_center.py"


use rule find_center_and_size as find_center with:
    wildcard_constraints:
        scan=paths.one_of(s for s in RUN.scans if not RUN.entries[s].size_open),
