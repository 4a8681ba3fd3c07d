# The table of scans, and what rules ask about one: its settings, its files, its needs.
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

SCRIPTS = Path(workflow.current_basedir).parent / "scripts"
# A rule's own environment brings its own Python; without one it is this one, activated or not.
PYTHON = "python" if workflow.deployment_settings.deployment_method else sys.executable
sys.path.insert(0, str(SCRIPTS))

# By default glibc gives each large tensor back to the system and takes it again page by page, which is a third
# of the time of a network on a processor.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**32))

from snakemake.exceptions import WorkflowError

from tomodenoise import (
    correction,
    engines,
    grid,
    leftovers,
    plans,
    recipes,
    scans,
    settings,
    table,
)
from tomodenoise.errors import UserError

try:
    for file in workflow.configfiles:
        settings.check_unique(Path(file))
    CONFIG = settings.resolve(config)
    # Jobs of a cluster read the Snakefile as well, and what it opens was tried before they were sent.
    if workflow.is_main_process:
        table.try_headers(CONFIG)
    TABLE = table.open_all(
        CONFIG, installed_elsewhere=bool(workflow.deployment_settings.deployment_method)
    )
    FILES = table.open_models(CONFIG, TABLE)
except UserError as mistake:
    sys.exit(f"tomodenoise: {mistake}")

SCANS = sorted(TABLE)
CORRECTION = correction.from_settings(CONFIG["correct"])
ADDITIVE = engines.capabilities(
    CONFIG["reconstruct"]["engine"], CONFIG["reconstruct"].get("algorithm")
).additive
# The models that are trained; a file that is used as it is needs no rule.
MODELS = [name for name in settings.models(CONFIG) if settings.trained_on(CONFIG, name)]


wildcard_constraints:
    scan="|".join(map(re.escape, SCANS)),
    model="|".join(map(re.escape, MODELS)) or "(?!)",
    block=r"\d+",
    slab=r"\d+",
    level=r"\d+",
    volume="denoised|reconstruction",
    tiff=r"tiff\d*",


# The rules that do the work of a stage; the rule with a stage's own name is a target that only gathers files.
STAGES = {
    "correct": ["correct_slab", "correct_channels"],
    "center": ["find_center", "find_center_and_size"],
    "split": ["split_scan"],
    "reconstruct": ["reconstruct_slab"],
    "train": ["train_model"],
    "denoise": ["denoise_slab"],
    "judge": ["judge_scan"],
    "report": ["render_report", "render_scan"],
    "export": ["export_tiff_slab", "export_hdf5", "export_ozx", "mix_slab"],
}


def gather(stage, files):
    """Input of a stage's target. Snakemake takes `-R train` for the target, so force what does the work as well."""

    def gathered(wildcards):
        if stage in workflow.dag_settings.forcerun:
            workflow.dag.forcerules.update(map(workflow.get_rule, STAGES[stage]))
        return files(wildcards) if callable(files) else files

    return gathered


def raw(wildcards):
    """The raw files; ancient, since their content counts, which `fingerprint` follows, not when they were touched."""
    return [ancient(str(file)) for file in TABLE[wildcards.scan].files]


# What of a scan's entry shapes its pixels, as far as the projections, the sections, and all its products.
PIXELS = ["file", "mode", "rows", "steps", "dataset", "axes", "angles", "angle_unit"]
PIXELS += ["entry", "exclude"]
if CONFIG["correct"].get("phase"):
    PIXELS.append("pixel_size")
SLICES = [*PIXELS, "center", "tilt", "field"]
KEYS = [*SLICES, "pixel_size", "model", "channels"]


def chosen(keys, *sections):
    """What shapes a product of a scan, for its provenance, and no more: another value makes the product again."""
    return lambda wildcards: recipes.relevant(
        CONFIG, TABLE, wildcards.scan, keys, sections
    )


def megabytes(count, alone=1000):
    """Memory for a job that holds so many float32, beside what two Snakemakes, Python and torch need; more each time.

    With torch but no network 950 MB suffice `alone`, without torch 450 to 550.
    """
    return lambda wildcards, attempt: int(
        attempt * (alone + count(wildcards) * 4 / 2**20)
    )


def spec_of(wildcards):
    """Network that denoises a scan."""
    name = settings.model_of(CONFIG, wildcards.scan)
    return table.spec_of(CONFIG, TABLE, FILES, name)


def model_file(wildcards):
    return file_of_model(settings.model_of(CONFIG, wildcards.scan))


def correct_settings(wildcards):
    """What the correction depends on: the pixel size only where phase is retrieved."""
    phase = CONFIG["correct"].get("phase")
    size = TABLE[wildcards.scan].scan.pixel_size
    return CONFIG["correct"] | ({"pixel_size": size} if phase else {})


def lift_pace():
    """Drop Snakemake's limit of a hundred jobs in a second, unless the user set another.

    With a limit each pass of its scheduler sets a timer for one more, and each job that ends adds a pass: in the end
    as many threads as jobs have ended ask for work once a second.
    """
    pace = workflow.scheduling_settings.max_jobs_per_timespan
    if pace and (pace.max_jobs, pace.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def refuse_second_writer():
    """End here while SLURM jobs of a killed Snakemake are at work; one that lives holds the directory's lock."""
    submitting = workflow.executor_plugin.name == "slurm"
    try:
        leftovers.check(Path.cwd(), submitting=submitting)
    except UserError as mistake:
        raise WorkflowError(f"tomodenoise: {mistake}")
