"""Whatever strikes a run at whatever moment, one more plain run gives the bits of an undisturbed one.

Each round takes the products of some stage and of all later ones from a finished project, starts Snakemake, lets a
fault strike, repairs what it broke, and runs again. One round for each kind of fault by default, 200 with NIGHTLY=1;
what they found is in benchmarks/RELIABILITY.md.
"""

import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from broken import FAULTS, ON_A_DISK_OF_ITS_OWN, RUN, end, start
from projects import Project, simulated
from undisturbed import Undisturbed, copied, digests

pytestmark = pytest.mark.slow
ROUNDS, MORE = len(FAULTS), 192
CORES = 2

STAGES = {
    "describe": ["results"],
    "correct": ["results/foam/projections.zarr/c", "results/foam/corrections"],
    "center": ["results/foam/center.json", "results/foam/center.png"],
    "reconstruct": ["results/foam/sections.zarr/c"],
    "train": ["results/models"],
    "denoise": ["results/foam/denoised.ome.zarr/*/c", "results/foam/figures"],
    "report": ["results/report.html"],
}
"""Products of each stage, in order."""

SECONDS = dict(zip(STAGES, (16, 13, 12, 11, 9, 6, 4), strict=True))
"""Approximate duration of a run that starts with a stage, from which the moment of a strike is drawn."""


def take_away(project: Project, stage: str) -> None:
    """Remove the products of a stage and of those after it."""
    names = list(STAGES)
    for later in names[names.index(stage) :]:
        for pattern in STAGES[later]:
            for product in project.folder.glob(pattern):
                shutil.rmtree(product) if product.is_dir() else product.unlink()


def finished(text: str) -> int:
    """Count the jobs that ended well, and not the target that gathers."""
    return len(re.findall(r"^Finished jobid: \d+ \(Rule: (?!all\))", text, re.MULTILINE))


def strays(project: Project) -> list[str]:
    """Files that are no product: half-written, or of an allocation."""
    files = [file for file in project.folder.glob("results/**/*") if file.is_file()]
    return [str(file) for file in files if "partial" in file.name or "allocating" in str(file)]


def numbered(count: int, first: int = 0) -> list[int]:
    return list(range(first, first + count))


@pytest.mark.parametrize(
    "number", [*numbered(ROUNDS), *(pytest.param(n, marks=pytest.mark.nightly) for n in numbered(MORE, ROUNDS))]
)
def test_one_plain_run_after_a_fault_gives_the_undisturbed_bits(
    number: int,
    undisturbed: Undisturbed,
    tmp_path: Path,
    disk: Callable[[], Path],
    record_property: Callable[[str, object], None],
) -> None:
    rng = random.Random(number)
    fault, stage = list(FAULTS)[number % len(FAULTS)], rng.choice(list(STAGES))
    project = copied(undisturbed, disk() if fault in ON_A_DISK_OF_ITS_OWN else tmp_path / "project")
    take_away(project, stage)
    needed = sum(project.snakemake("--dry-run").jobs.values())

    struck = FAULTS[fault](project, rng, SECONDS[stage])
    for name, value in {"fault": fault, "stage": stage, "struck": struck}.items():
        record_property(name, value)

    log = project.folder / "struck.log"
    done = finished(log.read_text()) if log.exists() else 0
    again = project.snakemake(*RUN)
    if "--unlock" in again.text:
        assert fault in {"power cut", "no memory", "disk full", "no permission"}, again.text
        assert project.snakemake("--unlock").status == 0
        again = project.snakemake(*RUN)
    assert again.status == 0, f"{fault} at {stage}:\n{again.text}"
    assert digests(project) == undisturbed.digests, f"{fault} at {stage}"
    # A job that ended in the very moment may not have been noted down.
    assert done + finished(again.text) <= needed + CORES, f"{fault} at {stage}: complete work was repeated"
    assert strays(project) == [], f"{fault} at {stage}"
    assert project.snakemake("--dry-run").jobs == {}


def test_termination_while_jobs_are_planned_leaves_no_lock(tmp_path: Path) -> None:
    # Snakemake handles the signal only once it schedules jobs, which is some time after it has locked the directory.
    project = Project(tmp_path)
    simulated(tmp_path / "foam.h5", columns=32, rows=4, angles=24)
    project.configure(scans={f"scan{number}": {"file": "foam.h5"} for number in range(50)})
    run = start(project)
    locks = tmp_path / ".snakemake/locks"
    while not any(locks.glob("*")) and run.poll() is None:
        time.sleep(0.001)
    run.send_signal(signal.SIGTERM)
    assert end(run)
    assert "Finished jobid" not in (tmp_path / "struck.log").read_text()
    assert not any(locks.glob("*"))
