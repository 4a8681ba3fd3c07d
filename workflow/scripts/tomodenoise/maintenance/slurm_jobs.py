"""SLURM jobs that a killed Snakemake left behind in its directory: they go on writing."""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from tomodenoise.common.errors import UserError

QUEUE = ["squeue", "--noheader", "--format=%A|%j|%Z"]
"""Number, name and folder of each job that waits or runs."""

RUN = re.compile(r"^SLURM run ID: (\S+)$", re.MULTILINE)
"""What Snakemake logs when it starts; its jobs bear this name."""

UNIQUE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""End of such a name."""


def check(directory: Path, *, submitting: bool) -> None:
    """Refuse to start beside them, as no file may have two writers.

    Parameters
    ----------
    directory : where Snakemake works and keeps its logs; absolute.
    submitting : whether it will submit jobs itself; else SLURM is asked only where it was used before.

    Raises
    ------
    UserError
        If there are such jobs, or if SLURM does not tell.
    """
    logs = (directory / ".snakemake/log").glob("*.log")
    runs = {run for log in logs for run in RUN.findall(log.read_text(errors="replace"))}
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
