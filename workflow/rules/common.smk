# The run: its configuration, its scans, and what rules read from them, see workflow/scripts/tomodenoise/planning.
import json
import os
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

SCRIPTS = Path(workflow.current_basedir).parent / "scripts"
IMAGE = SCRIPTS.parents[1] / "containers/tomodenoise.sif"
# The environment of a rule brings its own Python; without one, jobs run with this one.
PYTHON = "python" if workflow.deployment_settings.deployment_method else sys.executable
sys.path.insert(0, str(SCRIPTS))

from tomodenoise.common import cards as common_cards
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import PER_SCAN
from tomodenoise.correction import photons
from tomodenoise.exports.registry import single_files
from tomodenoise.maintenance import slurm_jobs
from tomodenoise.planning import cards, environment, hooks, paths, run, shards
from tomodenoise.planning import snakemake_internals
from tomodenoise.planning.files import Files
from tomodenoise.planning.params import PIXELS, SLICES, Params, training_program
from tomodenoise.planning.resources import Needs
from tomodenoise.scans import xrdct

environment.prepare(os.environ, SCRIPTS)

try:
    snakemake_internals.check_image(workflow, IMAGE)
    RUN = (
        run.without_scans()
        if snakemake_internals.is_linting()
        else run.open_run(
            config,
            workflow.configfiles,
            lambda scan: checkpoints.find_center_and_size.get(scan=scan),
            # Jobs of a cluster read the Snakefile as well, but headers were tried before they were submitted.
            try_headers=workflow.is_main_process,
            installed_elsewhere=bool(workflow.deployment_settings.deployment_method),
        )
    )
except UserError as error:
    sys.exit(f"tomodenoise: {error}")

FILES = Files(
    RUN,
    ancient,
    lambda scan: photons.may_split(
        Path(checkpoints.examine_counts.get(scan=scan).output[0])
    ),
)
PARAMS = Params(RUN)
NEEDS = Needs(RUN)
CARDS = cards.Cards(
    # Only this process shares them out.
    common_cards.visible(os.environ) if workflow.is_main_process else 0,
    lambda: snakemake_internals.executor(workflow) in {"", "local"},
)
HOOKS = hooks.Hooks(RUN, [PYTHON, str(SCRIPTS / "report_survivors.py")])
# The input of a stage's target, and the marker of intermediate outputs.
gather = partial(snakemake_internals.gather, workflow)
intermediate = temp if RUN.config.intermediates == "delete" else str


# Of all rules, with --sdm apptainer only.
container: str(IMAGE)


wildcard_constraints:
    scan=paths.one_of([*RUN.scans, *RUN.virtual]),
    model=paths.one_of([*RUN.trained_models, *RUN.virtual]),
    block=r"\d+",
    slab=r"\d+",
    level=r"\d+",
    volume="denoised|uncertainty|reconstruction",
    tiff=r"tiff\d*",
    suffix=paths.one_of(single_files()),
