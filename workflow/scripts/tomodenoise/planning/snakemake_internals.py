"""Inner parts of Snakemake that the workflow uses because no public interface gives the same, all of them here.

Seen with the Snakemake of `VERSION`; with another one a test fails, so that somebody looks whether they still hold.
Nothing that a job runs imports this module: the environments of jobs need no Snakemake.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from tomodenoise.common.errors import UserError
from tomodenoise.planning import console

VERSION = "9.27"

SLURM_RUN = re.compile(r"^SLURM run ID: (\S+)$", re.MULTILINE)
"""Line of a log, by the executor plugin for SLURM in its version 2.8; the run's jobs have this name."""

Workflow: TypeAlias = Any
"""snakemake.workflow.Workflow, which has no types."""

Gathered: TypeAlias = Sequence[str] | Callable[..., Sequence[str]]

WORKERS: Mapping[str, tuple[str, ...]] = {
    "correct": ("correct_slab", "correct_channels"),
    "center": ("find_center", "find_center_and_size"),
    "split": ("split_scan",),
    "reconstruct": ("reconstruct_slab",),
    "train": ("train_model",),
    "denoise": ("denoise_slab",),
    "judge": ("judge_scan",),
    "report": ("render_report", "render_scan"),
    "export": ("export_tiff_slab", "export_file", "mix_slab"),
}
"""Rules that do the work of a stage; the rule with a stage's own name is a target that only gathers files."""


def is_linting() -> bool:
    """Whether `snakemake --lint` reads the rules, which needs no scan. Snakemake does not say so to a Snakefile."""
    return any(word == "--lint" or word.startswith("--lint=") for word in sys.argv)


def executor(workflow: Workflow) -> str:
    """Name what runs the jobs, such as local or slurm; empty where nothing runs, as in a dry run."""
    return getattr(workflow.executor_plugin, "name", "") or ""


def from_first_process(name: str, value: str) -> str:
    """Give the value that the user's own Snakemake had: a local job is another one, with options of its own.

    Jobs inherit the environment, and nothing else that a Snakefile could set.
    """
    return os.environ.setdefault(f"TOMODENOISE_{name}", value)


def gather(workflow: Workflow, stage: str, files: Gathered) -> Callable[..., Sequence[str]]:
    """Make the input function of a stage's target.

    `-R train` means the target to Snakemake, which makes nothing itself, so the rules that do the work are forced as
    well: the list of these is read after the input of targets, and no public interface adds to it. An error of the
    user's is shown as Snakemake shows its own, in a line.
    """

    def gathered(wildcards: object) -> Sequence[str]:
        if stage in workflow.dag_settings.forcerun:
            workflow.dag.forcerules.update(map(workflow.get_rule, WORKERS[stage]))
        with user_errors():
            return files(wildcards) if callable(files) else files

    return gathered


@contextmanager
def user_errors() -> Iterator[None]:
    """Show an error of the user's in one line, as Snakemake shows errors in a Snakefile, without a stack trace."""
    try:
        yield
    except UserError as error:
        raise WorkflowError(f"tomodenoise: {error}") from None


def lift_pace(workflow: Workflow) -> None:
    """Drop Snakemake's limit of a hundred jobs in a second, unless the user set another.

    With a limit each pass of its scheduler sets a timer for one more, and each job that ends adds a pass: in the end
    as many threads as jobs have ended ask for work once a second. A higher limit keeps the timers.
    """
    pace = workflow.scheduling_settings.max_jobs_per_timespan
    if pace and (pace.max_jobs, pace.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def unfinished(workflow: Workflow) -> list[list[str]]:
    """Give the outputs of each job that is left; a logger plugin would see jobs end, but not which were planned."""
    jobs = (job for job in workflow.dag.jobs if workflow.dag.needrun(job) and not workflow.dag.finished(job))
    return [list(job.output) for job in jobs]


def slurm_runs(directory: Path) -> set[str]:
    """Name the runs that submitted SLURM jobs from a directory: logs are the only place that keeps these names."""
    logs = (directory / ".snakemake/log").glob("*.log")
    return {run for log in logs for run in SLURM_RUN.findall(log.read_text(errors="replace"))}


def thin_out_terminal(brief: console.Brief) -> None:
    """Filter the lines on the terminal: a logger plugin would have to be installed and named with each command."""
    console.attach(logger, brief)
