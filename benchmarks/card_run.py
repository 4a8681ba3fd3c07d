"""The whole workflow on a simulated scan, and the time of a large scan by the rates of this machine."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from benchmarks.card_rates import Row
from benchmarks.runs import SNAKEFILE

from tomodenoise.report import timing

SIMULATE = SNAKEFILE.parent / "workflow/scripts/simulate.py"
FIXED = {"scan", "describe", "center", "quality", "split", "allocate", "train"}
"""Stages whose work does not grow with the scan: they look at a part of it, or do a given amount."""

STANDARD = ("unet, width 32", "8 x 96", 1e9)
"""Network, batch x patch and pixels of `effort: standard`."""

LARGE, ANGLES, SECTIONS = 2048, 1500, 4
"""The scan that is calculated: rows and columns, projections, sections."""


@dataclass(frozen=True)
class Scan:
    """A simulated scan, and how it is processed."""

    columns: int
    rows: int
    angles: int
    config: dict[str, Any]
    target: str


CARD = Scan(1024, 64, 1800, {"train": {"pixels": 3e8, "batch": 32, "patch": 96}}, "all")
PROCESSOR = Scan(
    64,
    8,
    48,
    {
        "network": {"slices": 3, "width": 4, "depth": 2},
        "train": {"pixels": 20_000, "batch": 2, "patch": 32, "evaluations": 1},
        "split": {"sections": 2},
    },
    "denoise",
)


def missing() -> list[str]:
    """Name the packages of the workflow that this Python lacks."""
    packages = ("snakemake", "h5py", "hdf5plugin", "scipy", "skimage", "matplotlib", "jinja2", "tifffile")
    return [name for name in packages if importlib.util.find_spec(name) is None]


def simulation(scan: Scan, folder: Path) -> "subprocess.Popen[bytes]":
    """Start to simulate the scan, which takes one core and no card."""
    folder.mkdir(parents=True, exist_ok=True)
    radii = "2,4" if scan.columns < 512 else "8,32"
    shape = ["--columns", str(scan.columns), "--rows", str(scan.rows), "--angles", str(scan.angles), "--radii", radii]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(SIMULATE), str(folder / "scan.h5")]
    return subprocess.Popen([*command, *shape], env=environment)


def workflow(scan: Scan, folder: Path, simulated: "subprocess.Popen[bytes]", cores: int) -> Iterator[Row]:
    """Run it as a user does, and give the time of each stage: all its jobs, and the longest one.

    Raises
    ------
    RuntimeError
        If the simulation or a job fails.
    """
    if simulated.wait():
        raise RuntimeError("the scan could not be simulated")
    config = {"scans": {"scan": {"file": "scan.h5"}}, **scan.config}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(folder)]
    options = ["--configfile", str(folder / "config.yaml"), "--cores", str(cores), "--", scan.target]
    began = time.perf_counter()
    run = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"snakemake ended with status {run.returncode}: {run.stderr[-1000:]}")
    yield {"stage": "all, wall time", "jobs": None, "s": time.perf_counter() - began, "longest, s": None}
    for place in ("scan", "models", "report"):
        for stage in timing.stages(folder / "benchmarks" / place):
            name = "train" if place == "models" else stage.name
            yield {"stage": name, "jobs": stage.jobs, "s": stage.seconds, "longest, s": stage.longest}


def forecast(
    scan: Scan, stages: Sequence[Row], trainings: Sequence[Row], reconstructions: Sequence[Row], networks: Sequence[Row]
) -> Iterator[Row]:
    """Calculate the time of 2048 x 2048 x 2048 voxels from 1500 projections in four sections, with `effort: standard`.

    One job runs after the other; several cores or cards shorten it.

    Parameters
    ----------
    stages, trainings, reconstructions, networks : what was measured; stages without a rate of their own grow with the
        voxels from `scan`, the one that was run, or not at all.
    """
    voxels = LARGE**3
    of_section = [row for row in reconstructions if row["columns x angles"] == f"{LARGE} x {ANGLES // SECTIONS}"]
    known = {
        "reconstruct": [number(row, "ms a slice") / 1e3 * SECTIONS * LARGE for row in of_section],
        "train": [
            STANDARD[2] / number(row, "loop, Mpx/s") / 1e6
            for row in trainings
            if (row["network"], row["batch x patch"]) == STANDARD[:2]
        ],
        "denoise": [
            voxels / number(row, "file to file, Mvox/s") / 1e6 for row in networks if row["network"] == STANDARD[0]
        ],
    }
    larger = voxels / (scan.rows * scan.columns**2)
    for row in stages[1:]:
        stage = str(row["stage"])
        if known.get(stage):
            yield {"stage": stage, "min": known[stage][0] / 60, "by": "its rate above"}
        elif stage in FIXED:
            yield {"stage": stage, "min": number(row, "s") / 60, "by": "as measured: it does not grow with the scan"}
        else:
            yield {"stage": stage, "min": number(row, "s") * larger / 60, "by": f"{larger:.0f} times the voxels"}


def number(row: Row, key: str) -> float:
    """Return a figure that was measured."""
    value = row[key]
    assert isinstance(value, int | float)  # noqa: S101 - for mypy
    return float(value)
