"""A dose study through the command line: parts of a scan as scans of their own, judged and reported."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import NETWORK, TRAIN, Project

pytestmark = pytest.mark.slow

SHAPE = {"columns": 64, "rows": 12, "angles": 64}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Study half of the photons of a tiny scan."""
    project = Project(tmp_path_factory.mktemp("project"))
    raw = raw_scan("dosed.h5", "--flats", "40", **SHAPE)
    configure(project, raw, dose={"fractions": [0.5]})
    run = project.snakemake("dose")
    assert run.status == 0, run.text
    return project


def configure(project: Project, raw: Path, **keys: object) -> None:
    scans = {"foam": {"file": str(raw), "center": 32.35, **keys}}
    project.configure(scans=scans, split={"sections": 2}, network=NETWORK, train=TRAIN)


def test_each_part_of_the_dose_is_judged_by_the_data_aside(finished: Project) -> None:
    dose = json.loads((finished.folder / "results/foam/dose.json").read_text())
    assert dose["counts"]["refused"] is None
    (half,) = dose["parts"]
    results = half["results"]
    assert set(results) >= {"raw", "network", "network of the full dose"}
    assert results["network"]["error_error"] > 0
    (filtered,) = results.keys() - {"raw", "network", "network of the full dose"}
    assert 0 < results[filtered]["error"] < results["raw"]["error"]
    assert dose["answer"].endswith(".")


def test_the_report_shows_the_study(finished: Project) -> None:
    page = (finished.folder / "results/report.html").read_text()
    assert "<h3>Dose</h3>" in page
    assert "Region of a slice, 50 %, network" in page
    assert "Edge width, px" in page


def test_nothing_of_the_raw_data_is_stored_twice_and_nothing_is_left_to_do(finished: Project) -> None:
    parts = finished.folder / "results/foam/dose/0.5"
    assert {path.name for path in parts.iterdir()} == {
        "scan.json",
        "measured.json",
        "center.json",
        "split.json",
        "corrections",
        "projections.zarr",
        "sections.zarr",
    }
    assert finished.snakemake("dose", "--dry-run").jobs == {}
    assert finished.snakemake("--dry-run").jobs == {}


def test_without_the_key_only_the_page_changes(finished: Project, raw_scan: Callable[..., Path]) -> None:
    config = (finished.folder / "config.yaml").read_text()
    try:
        configure(finished, raw_scan("dosed.h5", "--flats", "40", **SHAPE))
        assert finished.snakemake("--dry-run").jobs == {"render_report": 1}
        refused = finished.snakemake("dose", "--dry-run")
        assert refused.status != 0
        assert "no scan has the key dose" in refused.text
    finally:
        (finished.folder / "config.yaml").write_text(config)


def test_counts_that_cannot_be_split_stop_the_study_and_nothing_else(
    tmp_path: Path, raw_scan: Callable[..., Path]
) -> None:
    project = Project(tmp_path)
    configure(project, raw_scan("noisy.h5", "--read-noise", "60", **SHAPE), dose={})
    assert project.snakemake("results/foam/dose/check.json").status == 0
    plan = project.snakemake("results/foam/dose.json", "--dry-run").jobs
    assert plan["judge_dose"] == 1
    assert "thin_scan" not in plan


def test_a_dynamic_scan_is_refused_in_one_line(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    project = Project(tmp_path)
    keys = {"mode": "dynamic", "steps": {"projections": 16}, "dose": {}}
    configure(project, raw_scan("dosed.h5", "--flats", "40", **SHAPE), **keys)
    run = project.snakemake("--dry-run")
    assert run.status != 0
    assert "scans.foam: dose: only static scans can be studied so far: leave it out" in run.text
