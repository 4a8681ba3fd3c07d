"""A dose study through the command line: parts of a scan as scans of their own, judged and reported."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import NETWORK, TRAIN, Project

import simulate_xrdct

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
        assert "Traceback" not in refused.text
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


def test_each_time_step_of_a_series_is_thinned(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    project = Project(tmp_path)
    steps = {"mode": "dynamic", "steps": {"projections": 32, "group": 2}}
    dose = {"fractions": [0.5], "by": "projections"}
    raw = raw_scan("series.h5", "--flats", "40", "--span", "360", columns=48, rows=12, angles=128)
    configure(project, raw, center=23.5, dose=dose, **steps)
    run = project.snakemake("results/foam/dose.json")
    assert run.status == 0, run.text
    thinned = json.loads((tmp_path / "results/foam/dose/0.5/scan.json").read_text())
    assert thinned["projections_of_each_step"] == [16, 16, 16, 16]
    dose = json.loads((tmp_path / "results/foam/dose.json").read_text())
    assert dose["step"] == 2
    assert dose["parts"][0]["results"]["network"]["error_error"] > 0


def test_channels_are_judged_one_by_one(tmp_path: Path) -> None:
    simulate_xrdct.main([str(tmp_path / "scan.h5"), "--slices=10", "--columns=64", "--angles=64", "--channels=2"])
    project = Project(tmp_path)
    network = {key: value for key, value in NETWORK.items() if key != "slices"}
    entry = {"file": "scan.h5", "mode": "xrdct", "center": 31.5, "dose": {"fractions": [0.7]}}
    project.configure(scans={"tiny": entry}, network=network, train={**TRAIN, "patch": 24})
    run = project.snakemake("dose")
    assert run.status == 0, run.text
    study = json.loads((tmp_path / "results/tiny/dose.json").read_text())
    assert study["counts"]["gain"] == 1
    channels = study["parts"][0]["channels"]
    assert len(channels["network"]["error"]) == 2
    assert all(error > 0 for error in channels["raw"]["error"])
    assert "smaller error than the raw slices of the full dose in" in study["answer"]
    assert "Channel by channel" in (tmp_path / "results/report.html").read_text()


def test_numbers_that_are_no_counts_are_refused_channel_by_channel(tmp_path: Path) -> None:
    options = ["--slices=1", "--columns=48", "--angles=60", "--channels=2", "--empty=5"]
    simulate_xrdct.main([str(tmp_path / "scan.h5"), *options])
    project = Project(tmp_path)
    project.configure(scans={"tiny": {"file": "scan.h5", "mode": "xrdct", "dose": {}}})
    assert project.snakemake("results/tiny/dose/check.json").status == 0
    refused = json.loads((tmp_path / "results/tiny/dose/check.json").read_text())["refused"]
    assert refused == "there are negative numbers in channel 2, which are no counts"


def test_parts_are_verified_and_their_arrays_cleaned(finished: Project) -> None:
    verified = finished.snakemake("verify")
    assert verified.status == 0, verified.text
    assert "results/foam/dose/0.5/sections.zarr" in verified.text
    assert "results/models/foam/dose/0.5/model.safetensors" in verified.text
    files = (finished.folder / "results/foam/dose/0.5/sections.zarr").glob("c/**/0")
    shard = next(file for file in files if file.is_file())
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-9])
    assert str(shard.relative_to(finished.folder)) in finished.snakemake("verify").text
    shard.write_bytes(whole)
    assert finished.snakemake("report").status == 0  # the scan itself is whole and judged as well
    cleaned = finished.snakemake("clean_intermediates")
    assert cleaned.status == 0, cleaned.text
    assert not (finished.folder / "results/foam/dose/0.5/sections.zarr/c").exists()
    assert finished.snakemake("dose", "--dry-run").jobs == {}
