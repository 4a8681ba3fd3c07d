"""Time and memory per stage, from Snakemake's benchmark files."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

PIPELINE = ("scan", "correct", "center", "split", "reconstruct", "train", "denoise", "pyramid", "export", "quality")
"""Order of the stages, by the start of their names; others follow alphabetically."""


@dataclass(frozen=True)
class Stage:
    """Total of the jobs of one stage; NaN if nothing was measured."""

    name: str
    jobs: int
    seconds: float
    """Wall-clock time, sum of all jobs."""
    longest: float
    """Wall-clock time of the longest job, seconds."""
    peak_mb: float
    """Largest resident memory of any job, MB."""


def stages(directory: Path) -> tuple[Stage, ...]:
    """Sum up the benchmark files of one scan or model.

    Parameters
    ----------
    directory : ``benchmarks/{scan}`` with ``{stage}/*.tsv`` or ``{stage}.tsv``; may be missing.

    Returns
    -------
    One entry per stage in the order of the pipeline. Jobs that ended before Snakemake could measure them
    ("-" or "NA") count as jobs only.
    """
    jobs: dict[str, list[dict[str, str]]] = {}
    for path in sorted(directory.rglob("*.tsv")):
        name = path.relative_to(directory).parts[0].removesuffix(".tsv")
        with path.open(newline="") as lines:
            jobs.setdefault(name, []).extend(csv.DictReader(lines, delimiter="\t"))
    return tuple(_stage(name, jobs[name]) for name in sorted(sorted(jobs), key=_place))


def _stage(name: str, jobs: list[dict[str, str]]) -> Stage:
    seconds = _measured(jobs, "s") or [math.nan]
    memory = _measured(jobs, "max_rss") or [math.nan]
    return Stage(name, len(jobs), sum(seconds), max(seconds), max(memory))


def _measured(jobs: list[dict[str, str]], column: str) -> list[float]:
    return [float(job[column]) for job in jobs if job.get(column) not in {None, "", "-", "NA"}]


def _place(name: str) -> int:
    return next((place for place, stage in enumerate(PIPELINE) if name.startswith(stage)), len(PIPELINE))
