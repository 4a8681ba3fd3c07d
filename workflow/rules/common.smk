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

from snakemake.exceptions import WorkflowError

from tomodenoise.config import settings
from tomodenoise.correction import frames, options
from tomodenoise.denoising import tile_plan
from tomodenoise.maintenance import slurm_jobs
from tomodenoise.planning import (
    environment,
    resources as needs,
    rerun_keys,
    scan_table,
)
from tomodenoise.reconstruction.engines import registry
from tomodenoise.scans import xrdct
from tomodenoise.storage import grid
from tomodenoise.common.errors import UserError

environment.prepare(os.environ, SCRIPTS)

try:
    for file in workflow.configfiles:
        settings.check_unique(Path(file))
    CONFIG = settings.resolve(config)
    # Jobs of a cluster read the Snakefile as well, and what it opens was tried before they were sent.
    if workflow.is_main_process:
        scan_table.try_headers(CONFIG)
    TABLE = scan_table.open_all(
        CONFIG, installed_elsewhere=bool(workflow.deployment_settings.deployment_method)
    )
    FILES = scan_table.open_models(CONFIG, TABLE)
except UserError as mistake:
    sys.exit(f"tomodenoise: {mistake}")

SCANS = sorted(TABLE)
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
SLICES = [*PIXELS, "center", "tilt", "field"]
KEYS = [*SLICES, "pixel_size", "model", "channels"]


def chosen(keys, *sections):
    """What shapes a product of a scan, for its provenance, and no more: another value makes the product again."""
    return lambda wildcards: rerun_keys.relevant(
        CONFIG, TABLE, wildcards.scan, keys, sections
    )


def entry_of_pixels(wildcards):
    """A scan's entry as far as it shapes its projections, with its section `correct`."""
    picked = chosen(PIXELS, "correct")(wildcards)
    return picked["scans"][wildcards.scan] | {"correct": picked["correct"]}


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
    return scan_table.spec_of(CONFIG, TABLE, FILES, name)


def model_file(wildcards):
    return file_of_model(settings.model_of(CONFIG, wildcards.scan))


def own(section):
    """A section of the configuration as a scan has it."""
    return lambda wildcards: CONFIG["scans"][wildcards.scan][section]


def correct_settings(wildcards):
    """What the correction depends on: the pixel size only where phase is retrieved."""
    chosen = own("correct")(wildcards)
    size = TABLE[wildcards.scan].scan.pixel_size
    return chosen | ({"pixel_size": size} if chosen.get("phase") else {})
