"""SLURM jobs that a killed Snakemake left behind in its directory: they go on writing."""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from tomodenoise.common.errors import UserError
from tomodenoise.planning import snakemake_internals

QUEUE = ["squeue", "--noheader", "--format=%A|%j|%Z"]
"""Number, name and folder of each job that waits or runs."""

UNIQUE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""End of the name of a job that Snakemake submitted."""


def check(directory: Path, *, submitting: bool) -> None:
    """Refuse to start while they run, as no file may have two writers.

    Parameters
    ----------
    directory : where Snakemake works and keeps its logs; absolute.
    submitting : whether it will submit jobs itself; else SLURM is asked only where it was used before.

    Raises
    ------
    UserError
        If there are such jobs, or if SLURM gives no answer.
    """
    runs = snakemake_internals.slurm_runs(directory)
    if not (shutil.which(QUEUE[0]) and (runs or submitting)):
        return
    asked = subprocess.run(QUEUE, capture_output=True, text=True, check=False)
    if asked.returncode:
        raise UserError(f"cannot tell whether jobs of an earlier run are at work here: squeue: {asked.stderr.strip()}")
    jobs = list(_of_these(asked.stdout, runs, directory))
    if jobs:
        raise UserError(
            f"{len(jobs)} SLURM jobs of an earlier snakemake, which was killed, are still at work in this directory,"
            " and this one would write the same files: wait until they end, or cancel them with"
            f" scancel {' '.join(jobs)}"
        )


def _of_these(queue: str, runs: Collection[str], directory: Path) -> Iterator[str]:
    """Pick the jobs of runs that are known here or, where the logs are gone, that began in this folder."""
    for line in queue.splitlines():
        job, name, folder = line.split("|", 2)
        if name in runs or (folder == str(directory) and UNIQUE.search(name)):
            yield job
