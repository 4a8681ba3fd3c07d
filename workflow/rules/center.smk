# The column of the rotation axis, found once for each scan on rows of its whole height.
rule center:
    input:
        gather(
            "center",
            paths.fill_all([paths.CENTER, paths.CENTER_FIGURE], scan=RUN.scans),
        ),


# Only for scans whose slices get their size from the center, as Snakemake plans the jobs again after a checkpoint.
checkpoint find_center_and_size:
    input:
        scan=paths.SCAN,
        array=paths.PROJECTIONS_JSON,
        projections=lambda w: shards.projections(
            w.scan, RUN.projected(w.scan), RUN.entries[w.scan].resting
        ),
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
        wanted=lambda w: {
            "center": RUN.config.scans[w.scan].center,
            "tilt": RUN.config.scans[w.scan].tilt,
            "field": RUN.entries[w.scan].field,
        },
        angles=lambda w: RUN.entries[w.scan].resting,
        engine=lambda w: RUN.config.scans[w.scan].reconstruct.engine,
    script:
        "../scripts/find_center.py"


use rule find_center_and_size as find_center with:
    wildcard_constraints:
        scan=paths.one_of(s for s in RUN.scans if not RUN.entries[s].size_open),
