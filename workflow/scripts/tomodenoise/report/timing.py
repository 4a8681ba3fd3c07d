"""Time and memory per stage, gathered from Snakemake's benchmark files."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

PIPELINE = ("scan", "correct", "center", "split", "reconstruct", "train", "denoise", "pyramid", "export", "quality")
"""The order in which stages are listed, by how their names begin; others follow in alphabetical order."""


@dataclass(frozen=True)
class Stage:
    """What the jobs of one stage took together; nan where nothing was measured."""

    name: str
    jobs: int
    seconds: float
    """Wall-clock time, summed over the jobs."""
    longest: float
    """Wall-clock time of the longest job, seconds."""
    peak_mb: float
    """Largest resident memory of any job, MB."""


def stages(directory: Path) -> tuple[Stage, ...]:
    """Sum up the benchmark files of one scan or model.

    Parameters
    ----------
    directory : ``benchmarks/{scan}``, which holds ``{stage}/*.tsv`` or ``{stage}.tsv``; it may be missing.

    Returns
    -------
    One entry per stage in the order of the pipeline. Jobs that ended before Snakemake could measure them
    ("-" or "NA") count as jobs and add nothing else.
    """
    jobs: dict[str, list[dict[str, str]]] = {}
    for path in sorted(directory.rglob("*.tsv")):
        name = path.relative_to(directory).parts[0].removesuffix(".tsv")
        with path.open(newline="") as lines:
            jobs.setdefault(name, []).extend(csv.DictReader(lines, delimiter="\t"))
    return tuple(_stage(name, jobs[name]) for name in sorted(jobs, key=_place))


def _stage(name: str, jobs: list[dict[str, str]]) -> Stage:
    seconds = _measured(jobs, "s")
    return Stage(
        name=name,
        jobs=len(jobs),
        seconds=sum(seconds) if seconds else math.nan,
        longest=max(seconds, default=math.nan),
        peak_mb=max(_measured(jobs, "max_rss"), default=math.nan),
    )


def _measured(jobs: list[dict[str, str]], column: str) -> list[float]:
    return [float(job[column]) for job in jobs if job.get(column) not in {None, "", "-", "NA"}]


def _place(name: str) -> tuple[int, str]:
    place = next((i for i, stage in enumerate(PIPELINE) if name.startswith(stage)), len(PIPELINE))
    return place, name
