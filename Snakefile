# Raw tomography scans to clean volumes. What a user types: snakemake [--profile profiles/…] [target]
from snakemake.utils import min_version

min_version("9.0")


if "scans" not in config:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/slabs.smk"
include: "workflow/rules/products.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/correct.smk"
include: "workflow/rules/center.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/trainings.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/denoise.smk"
include: "workflow/rules/judges.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/pages.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/keep.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/hooks.smk"


if not rules.describe_scan.output.scan.startswith("results/"):
    refuse_prefix()


# Gathering, and what takes a second: not worth a job in a queue.
localrules:
    all,
    correct,
    center,
    split,
    reconstruct,
    train,
    denoise,
    judge,
    report,
    export,
    check,
    verify,
    clean_intermediates,
    split_scan,
    allocate_projections,
    allocate_sections,
    describe_image,
    allocate_level,
    allocate_reconstruction_level,
    describe_reconstruction,
    describe_tiff,


onstart:
    begin()


onsuccess:
    finish(success=True)


onerror:
    finish(success=False)


rule all:
    default_target: True
    input:
        IMAGES,
        IMAGE_SLABS,
        "results/report.html",
        exported,
