"""All internals of Snakemake that the workflow uses because no public interface does the same.

Checked with Snakemake `VERSION`; with another version a test fails, so that they are checked again.
Nothing that a job runs imports this module: the environments of jobs need no Snakemake.
"""

import logging
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from tomodenoise.common.errors import UserError
from tomodenoise.planning.console import Brief, Lines

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
    "shelve": ("shelve_model",),
    "denoise": ("denoise_slab",),
    "judge": ("judge_scan",),
    "dose": ("judge_dose",),
    "report": ("render_report", "render_scan"),
    "export": ("export_tiff_slab", "export_file", "mix_slab"),
}
"""Rules that do the work of a stage; the rule with the name of the stage is a target that only gathers files."""


def is_linting() -> bool:
    """Return whether `snakemake --lint` reads the rules, which needs no scan. Snakemake has no other sign of it."""
    return any(word == "--lint" or word.startswith("--lint=") for word in sys.argv)


def check_image(workflow: Workflow, image: Path) -> None:
    """Refuse to start rules in containers without the image; Apptainer would say so once for each job."""
    methods = {method.name for method in workflow.deployment_settings.deployment_method}
    if "APPTAINER" in methods and not image.exists():
        raise UserError(f"--sdm apptainer: there is no {image}: build it, or link it there, see docs/containers.md")


def end_when_terminated(workflow: Workflow) -> None:
    """End in good order at SIGTERM while the jobs are planned, as a scheduler sends it at the end of a batch job.

    Snakemake handles the signal only once it schedules jobs. Until then it would die at once and leave its lock, and
    the next run would refuse.
    """
    if workflow.is_main_process and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def executor(workflow: Workflow) -> str:
    """Return the name of the executor, such as local or slurm; empty in a dry run."""
    return getattr(workflow.executor_plugin, "name", "") or ""


def is_touching(workflow: Workflow) -> bool:
    """Return whether `snakemake --touch` only sets dates, and runs no job."""
    return bool(workflow.touch)


def from_first_process(name: str, value: str) -> str:
    """Return the value that the user's own Snakemake had: a local job runs another, with its own options.

    Jobs inherit only the environment.
    """
    return os.environ.setdefault(f"TOMODENOISE_{name}", value)


def gather(workflow: Workflow, stage: str, files: Gathered) -> Callable[..., Sequence[str]]:
    """Make the input function of a stage's target.

    To Snakemake, `-R train` is the target, which makes nothing itself, so the rules that do the work are forced too:
    their list is read after the input of targets, and no public interface adds to it.
    """

    def gathered(wildcards: object) -> Sequence[str]:
        if stage in workflow.dag_settings.forcerun:
            workflow.dag.forcerules.update(map(workflow.get_rule, WORKERS[stage]))
        try:
            return files(wildcards) if callable(files) else files
        except UserError as error:  # Snakemake shows a stack trace for all other errors of an input function
            sys.exit(f"tomodenoise: {error}")

    return gathered


@contextmanager
def user_errors() -> Iterator[None]:
    """Show a `UserError` in one line, without a stack trace, as Snakemake shows its own errors."""
    try:
        yield
    except UserError as error:
        raise WorkflowError(f"tomodenoise: {error}") from None


def lift_pace(workflow: Workflow) -> None:
    """Drop Snakemake's limit of a hundred jobs in a second, unless the user set another.

    With a limit, each pass of the scheduler sets a timer for another pass, and each job that ends adds one: in the end,
    as many threads as jobs have ended poll once a second. A higher limit keeps the timers.
    """
    pace = workflow.scheduling_settings.max_jobs_per_timespan
    if pace and (pace.max_jobs, pace.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def share_cards(workflow: Workflow, cards: int) -> None:
    """Run no more jobs that use a GPU at a time than there are GPUs here, unless the user gave `--resources gpu=`.

    Other jobs run as before. Nothing public sets a limit for local jobs alone: when the rules are read, it is not known
    yet where jobs will run.
    """
    limits = workflow.scheduler.global_resources
    if cards and executor(workflow) == "local" and "gpu" not in limits:
        limits["gpu"] = cards
        workflow.register_resource("gpu", cards)


def unfinished(workflow: Workflow) -> list[list[str]]:
    """Return the outputs of each unfinished job; a logger plugin would see jobs end, but not which were planned."""
    return [list(job.output) for job in _unfinished(workflow)]


def _unfinished(workflow: Workflow) -> Iterator[Any]:
    return (job for job in workflow.dag.jobs if workflow.dag.needrun(job) and not workflow.dag.finished(job))


def slurm_runs(directory: Path) -> set[str]:
    """Return the names of runs that submitted SLURM jobs from a directory; only logs keep them."""
    logs = (directory / ".snakemake/log").glob("*.log")
    return {run for log in logs for run in SLURM_RUN.findall(log.read_text(errors="replace"))}


def thin_out_terminal(brief: Brief, workflow: Workflow) -> None:
    """Filter the terminal; a logger plugin would have to be installed, and named with each command."""
    stages = {rule: stage for stage, rules in WORKERS.items() for rule in rules}
    brief.progress.start(stages, lambda: Counter(job.rule.name for job in _unfinished(workflow)))
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(brief)
            handler.setFormatter(Lines(brief.progress, handler.formatter))
