# Raw tomography scans to clean volumes. Usage: snakemake [--profile profiles/…] [target]
from snakemake.utils import min_version

min_version("9.0")


if "scans" not in config:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/correct.smk"
include: "workflow/rules/center.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/denoise.smk"
include: "workflow/rules/uncertainty.smk"
include: "workflow/rules/image.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/dose.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/shelve.smk"
include: "workflow/rules/keep.smk"
include: "workflow/rules/check.smk"


if rules.describe_scan.output.scan != paths.SCAN:
    sys.exit(
        "tomodenoise: used as a module, this workflow takes no prefix: leave it out, and give it its own folder with"
        " --directory or workdir"
    )
snakemake_internals.end_when_terminated(workflow)


# Targets, and jobs of about a second, which are not worth queueing.
localrules:
    all,
    correct,
    center,
    split,
    reconstruct,
    train,
    denoise,
    judge,
    dose,
    report,
    export,
    shelve,
    check,
    verify,
    clean_intermediates,
    split_scan,
    examine_counts,
    thin_scan,
    allocate_projections,
    allocate_sections,
    describe_image,
    allocate_level,
    describe_tiff,
    shelve_model,
    crate,


onstart:
    snakemake_internals.lift_pace(workflow)
    snakemake_internals.share_cards(workflow, CARDS.count)
    with snakemake_internals.user_errors():
        submitting = snakemake_internals.executor(workflow) == "slurm"
        slurm_jobs.check(Path.cwd(), submitting=submitting)
    hooks.note_command(Path("logs/commands.log"))
    if not hooks.is_quiet(workflow.dag_settings.targets):
        snakemake_internals.thin_out_terminal(HOOKS.brief, workflow)


onsuccess:
    if not snakemake_internals.is_touching(workflow):
        HOOKS.finish(workflow.dag_settings.targets, [], log, success=True)


onerror:
    unfinished = snakemake_internals.unfinished(workflow)
    HOOKS.finish(workflow.dag_settings.targets, unfinished, log, success=False)


rule all:
    default_target: True
    input:
        paths.fill_all(paths.IMAGE_JSON, scan=RUN.scans, volume=RUN.results),
        FILES.denoised,
        paths.REPORT,
        FILES.exported,
        FILES.crate,
