"""Options of correction, center and reconstruction, through the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from projects import NETWORK, TRAIN, Project

from tomodenoise.storage import sections

HALF = ("--span", "360", "--center", "14.2", "--cylinder", "0.7", "--photons", "20000")


pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def stored(project: Project, scan: str) -> sections.Sections:
    return sections.describe(project.folder / "results" / scan)


def test_half_acquisition_is_found_and_its_field_extended(project: Project, raw_scan: Callable[..., Path]) -> None:
    """The size of the volume is known only when the center is: the plan goes on from there, once."""
    half = str(raw_scan("half.h5", *HALF, columns=64, rows=6, angles=240))
    usual = str(raw_scan("usual.h5", "--span", "360", rows=6))
    config = {name: {"file": file, "model": "half"} for name, file in (("half", half), ("usual", usual))}

    def configure() -> None:
        models = {"half": {"scans": ["half"]}}
        project.configure(scans=config, models=models, slab_megabytes=1, network=NETWORK, train=TRAIN)

    configure()
    # Known by its header, and so planned without a checkpoint, is the size of slices of half a turn only.
    assert project.snakemake("--dry-run").jobs["find_center_and_size"] == 2
    run = project.snakemake()
    assert run.status == 0, run.text
    center = json.loads((project.folder / "results/half/center.json").read_text())
    assert center["center"] == pytest.approx(14.2, abs=0.5)
    assert center["extended"]
    assert stored(project, "half").size == center["size"] == pytest.approx(2 * (63 - 14.2), abs=2)
    assert stored(project, "usual").size == 64
    assert not project.snakemake("--dry-run").jobs
    forced = project.snakemake("--dry-run", "-R", "reconstruct").jobs
    assert forced["reconstruct_slab"] > 1
    assert "find_center_and_size" not in forced

    config["half"]["field"] = "full"
    configure()
    run = project.snakemake("reconstruct")
    assert run.status == 0, run.text
    assert stored(project, "half").size == 64


def test_the_pixel_size_shapes_projections_where_phase_is_retrieved(
    project: Project, raw_scan: Callable[..., Path]
) -> None:
    file = str(raw_scan("phase.h5", "--distance", "0.02", "--delta-beta", "50", "--stripes", "4", rows=6))

    def configure(pixel_size: float, **correct: object) -> None:
        project.configure(
            scans={"foam": {"file": file, "pixel_size": pixel_size}},
            correct={"stripes": "sorting", "air": 3, **correct},
        )

    phase = {"phase": {"delta_beta": 50, "energy": 20, "distance": 0.02}}
    configure(1.0)
    assert project.snakemake("correct").status == 0
    configure(2.0)
    assert not project.snakemake("--dry-run", "correct").jobs
    configure(2.0, **phase)
    run = project.snakemake("correct")
    assert run.status == 0, run.text
    configure(1.0, **phase)
    assert "correct_slab" in project.snakemake("--dry-run", "correct").jobs
    counts = json.loads((project.folder / "results/foam/corrections/0-0.json").read_text())
    assert counts["zingers"] is not None


@pytest.mark.parametrize(
    ("scan", "changes", "parts"),
    [
        ({}, {"reconstruct": {"engine": "tomopy"}}, ["'tomopy' is not installed", "--sdm conda"]),
        ({}, {"reconstruct": {"algorithm": "gridrec"}}, ["engine 'torch' has no 'gridrec'", "fbp, sirt, tv"]),
        ({}, {"reconstruct": {"iterations": 5}}, ["reconstruct.iterations: algorithm 'fbp' has none"]),
        ({"field": "extended"}, {}, ["scans.foam: field", "360 degrees"]),
        ({}, {"correct": {"air": 40}}, ["scans.foam: correct.air", "64 columns"]),
        ({}, {"correct": {"phase": {"delta_beta": 50, "energy": 20}}}, ["correct.phase: 'distance' is missing"]),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    project: Project,
    raw_scan: Callable[..., Path],
    scan: dict[str, object],
    changes: dict[str, object],
    parts: list[str],
) -> None:
    file = str(raw_scan("refused.h5", rows=2))
    (project.folder / "config.yaml").write_text(yaml.safe_dump({"scans": {"foam": {"file": file, **scan}}, **changes}))
    run = project.snakemake("--dry-run")
    assert run.status != 0
    (line,) = [line for line in run.text.splitlines() if line.startswith("tomodenoise: ")]
    assert all(part in line for part in parts), line
    assert "Traceback" not in run.text
