"""SLURM jobs that a killed Snakemake left behind and that still write into its directory."""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from tomodenoise.common.errors import UserError
from tomodenoise.planning import snakemake_internals

QUEUE = ["squeue", "--noheader", "--format=%A|%j|%Z"]
"""Number, name and folder of each pending or running job."""

UNIQUE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""End of the name of a job that Snakemake submitted, a UUID."""


def check(directory: Path, *, submitting: bool) -> None:
    """Refuse to start while leftover jobs are running, as no file may have two writers.

    Parameters
    ----------
    directory : where Snakemake works and keeps its logs; absolute.
    submitting : whether this run will submit jobs; if not, SLURM is queried only if it was used here before.

    Raises
    ------
    UserError
        If there are such jobs, or if `squeue` fails.
    """
    runs = snakemake_internals.slurm_runs(directory)
    if not (shutil.which(QUEUE[0]) and (runs or submitting)):
        return
    queue = subprocess.run(QUEUE, capture_output=True, text=True, check=False)
    if queue.returncode:
        raise UserError(
            f"cannot check for jobs of an earlier run that still write here: squeue: {queue.stderr.strip()}: try later"
        )
    jobs = list(_leftover(queue.stdout, runs, directory))
    if jobs:
        raise UserError(
            f"{len(jobs)} SLURM jobs of an earlier snakemake, which was killed, are still active in this directory and"
            " would write the same files as this run: wait until they end, or cancel them with"
            f" scancel {' '.join(jobs)}"
        )


def _leftover(queue: str, runs: Collection[str], directory: Path) -> Iterator[str]:
    """Yield the jobs of runs logged here or, if the logs are gone, those started in this folder."""
    for line in queue.splitlines():
        job, name, folder = line.split("|", 2)
        if name in runs or (folder == str(directory) and UNIQUE.search(name)):
            yield job
