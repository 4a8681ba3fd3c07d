"""Quality of a run through the command line: judged by the truth and without it, compared, reported."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import NETWORK, TRAIN, Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Judge a simulated scan, compared with a filter and a model that denoises nothing."""
    project = Project(tmp_path_factory.mktemp("project"))
    truth = project.folder / "truth.npy"
    raw = raw_scan("judged.h5", "--truth", str(truth), columns=64, rows=12, angles=128)
    configure(project, raw, truth, compare=["median", "other"])
    run = project.snakemake()
    assert run.status == 0, run.text
    assert run.jobs["train_model"] == 2
    return project


def configure(project: Project, raw: Path, truth: Path, **keys: object) -> None:
    scans = {"foam": {"file": str(raw), "truth": str(truth)}}
    models = {"other": {"scans": ["foam"]}}
    project.configure(scans=scans, models=models, split={"sections": 4}, network=NETWORK, train=TRAIN, **keys)


def test_figures_stand_beside_the_truth_and_those_of_others(finished: Project) -> None:
    quality = json.loads((finished.folder / "results/foam/quality.json").read_text())
    figures = quality["figures"]
    assert quality["judged"]["held_out"]
    assert figures["truth"]["psnr_denoised"] > figures["truth"]["psnr_raw"]
    assert figures["umse"]["umse"] < figures["umse"]["umse_given"]
    columns = figures["comparison"]["columns"]
    assert list(columns) == ["raw", "network", "median", "other"]
    assert columns["network"]["split_loss"] == figures["split_loss"]["split_loss"]
    assert columns["network"]["psnr"] == figures["truth"]["psnr_denoised"]
    assert figures.keys() | quality["absent"].keys() >= {"fsc", "cross_frc", "calibration", "edges", "independence"}
    assert len(quality["verdicts"]) > 4


def test_the_page_shows_them(finished: Project) -> None:
    page = (finished.folder / "results/report.html").read_text()
    assert "<small>against the truth</small>" in page
    assert "Region of a slice, median" in page
    assert len(page) < 2e6


def test_snakemakes_own_report_holds_the_page_and_captions(finished: Project) -> None:
    run = finished.snakemake("--report", "out.html")
    assert run.status == 0, run.text
    page = (finished.folder / "out.html").read_text()
    for text in ("Rotation axis", "Quality", "before and after denoising", "figures that these data do not support"):
        assert text in page


def test_comparing_with_less_judges_again_and_does_nothing_else(finished: Project) -> None:
    config = (finished.folder / "config.yaml").read_text()
    try:
        (finished.folder / "config.yaml").write_text(config.replace("- other\n", ""))
        run = finished.snakemake("--dry-run")
        assert run.jobs == {"judge_scan": 1, "render_report": 1}
    finally:
        (finished.folder / "config.yaml").write_text(config)


def test_a_misspelled_rival_is_refused(finished: Project) -> None:
    config = (finished.folder / "config.yaml").read_text()
    try:
        (finished.folder / "config.yaml").write_text(config.replace("- median\n", "- medain\n"))
        run = finished.snakemake("--dry-run")
        assert run.status != 0
        assert "there is no filter or model 'medain': did you mean 'median'?" in run.text
    finally:
        (finished.folder / "config.yaml").write_text(config)
