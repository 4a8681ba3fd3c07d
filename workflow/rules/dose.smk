# How much shorter a scan could have been: parts of its dose as virtual scans, which the rules of the stages process like
# others, and their comparison with the data left out and with the full dose.
rule dose:
    input:
        gather("dose", FILES.studies),


checkpoint examine_counts:
    input:
        raw=FILES.raw,
        scan=paths.SCAN,
        measured=paths.MEASURED,
    output:
        paths.DOSE_CHECK,
    log:
        "logs/{scan}/dose/examine.log",
    benchmark:
        "benchmarks/{scan}/dose/examine.tsv"
    wildcard_constraints:
        scan=paths.one_of(RUN.studied),
    conda:
        "../../envs/tomography.yaml"
    params:
        by=lambda w: RUN.config.scans[w.scan].dose.by,
    script:
        "../scripts/examine_counts.py"


# The description, the measures and the center of the whole scan hold for its parts.
rule thin_scan:
    input:
        scan=lambda w: paths.SCAN.format(scan=RUN.virtual[w.scan]),
        measured=lambda w: paths.MEASURED.format(scan=RUN.virtual[w.scan]),
        center=lambda w: paths.CENTER.format(scan=RUN.virtual[w.scan]),
        check=lambda w: paths.DOSE_CHECK.format(scan=RUN.virtual[w.scan]),
    output:
        scan=paths.SCAN,
        measured=paths.MEASURED,
        center=paths.CENTER,
    log:
        "logs/{scan}/thin.log",
    benchmark:
        "benchmarks/{scan}/thin/scan.tsv"
    wildcard_constraints:
        scan=paths.one_of(RUN.virtual),
    conda:
        "../../envs/tomography.yaml"
    params:
        thinning=lambda w: RUN.config.scans[w.scan].thinning.as_json(),
    script:
        "../scripts/thin_scan.py"


rule judge_dose:
    input:
        unpack(FILES.parts),
        check=paths.DOSE_CHECK,
        raw=FILES.raw,
        scan=paths.SCAN,
        measured=paths.MEASURED,
        split=paths.SPLIT,
        center=paths.CENTER,
        allocated=paths.SECTIONS_JSON,
        sections=FILES.sections,
        model=lambda w: FILES.model(RUN.config.model_of(w.scan)),
    output:
        dose=paths.DOSE,
        pictures=paths.DOSE_PICTURES,
    log:
        "logs/{scan}/dose/judge.log",
    benchmark:
        "benchmarks/{scan}/dose/judge.tsv"
    conda:
        "../../envs/tomography.yaml"
    resources:
        mem_mb=NEEDS.memory("judge_dose"),
        gpu=CARDS.one,
        attempt=cards.attempt,
        runtime=NEEDS.runtime("judge_dose"),
    params:
        parts=lambda w: {
            part: RUN.config.scans[part].thinning.as_json()
            for part in RUN.parts(w.scan)
        },
        limits=lambda w: RUN.config.scans[w.scan].dose.limits.as_json(),
        rows=lambda w: RUN.config.scans[w.scan].as_json().get("rows"),
        # Only phase retrieval and the lengths in the answer depend on it.
        pixel_size=lambda w: RUN.entries[w.scan].scan.pixel_size,
        correct=lambda w: RUN.config.scans[w.scan].correct.as_json(),
        reconstruct=lambda w: RUN.config.scans[w.scan].reconstruct.as_json(),
        denoise=RUN.config.denoise.applied,
        step=PARAMS.judged_step,
        labels=lambda w: RUN.entries[w.scan].channel_labels,
        contents=lambda w: PARAMS.contents([RUN.config.model_of(w.scan)]),
    script:
        "../scripts/judge_dose.py"
