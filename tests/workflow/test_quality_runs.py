"""Quality and uncertainty through the command line: judged with and without the truth, compared, calibrated, shown."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from projects import NETWORK, TRAIN, Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Judge a simulated scan, compared with a filter and a model that denoises nothing, and calibrate each voxel."""
    project = Project(tmp_path_factory.mktemp("project"))
    truth = ["--truth", str(project.folder / "truth.npy")]
    raw_scan("judged.h5", *truth, columns=64, rows=12, angles=128).rename(project.folder / "raw.h5")
    configure(project)
    run = project.snakemake()
    assert run.status == 0, run.text
    assert run.jobs["train_model"] == 2
    return project


def configure(project: Project, **changes: object) -> None:
    keys = {
        "models": {"other": {"scans": ["foam"]}},
        "split": {"sections": 4},
        "denoise": {"uncertainty": True},
        "compare": ["median", "other"],
        "export": ["hdf5"],
        **changes,
    }
    project.configure(scans={"foam": {"file": "raw.h5", "truth": "truth.npy"}}, network=NETWORK, train=TRAIN, **keys)


def planned(project: Project, **changes: object) -> tuple[set[str], str]:
    """Return the jobs of a run with other keys, and what it prints."""
    configure(project, **changes)
    run = project.snakemake("--dry-run")
    configure(project)
    return set(run.jobs), run.text


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
    assert planned(finished, compare=["median"])[0] == {"judge_scan", "render_report"}
    assert planned(finished)[0] == set()


def test_the_image_is_like_the_denoised_one(finished: Project) -> None:
    results = finished.folder / "results/foam"
    images = [zarr.open_group(results / f"{name}.ome.zarr", mode="r") for name in ("denoised", "uncertainty")]
    scales = [image.attrs["ome"]["multiscales"][0] for image in images]
    assert scales[0]["datasets"] == scales[1]["datasets"]
    assert scales[0]["axes"] == scales[1]["axes"]
    assert images[0]["0"].shape == images[1]["0"].shape == (1, 1, 12, 64, 64)
    values = images[1]["0"][:]
    assert np.isfinite(values).all()
    assert (values > 0).all()


def test_its_calibration_is_recorded_and_shown(finished: Project) -> None:
    record = json.loads((finished.folder / "results/foam/uncertainty.json").read_text())
    (channel,) = record["channels"]
    assert record["held_out"]
    assert ("absent" in channel) != ("ratio" in channel)
    page = (finished.folder / "results/report.html").read_text()
    assert "<h3>Uncertainty</h3>" in page
    assert "It does not cover errors that all results have in common: rings, streaks, a bias" in page
    assert 'alt="Uncertainty of a slice"' in page


def test_it_is_exported_and_verified_as_its_siblings(finished: Project) -> None:
    assert (finished.folder / "results/foam/uncertainty.h5").exists()
    shard = finished.folder / "results/foam/uncertainty.ome.zarr/0/c/0/0/0/0/0"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-5])
    run = finished.snakemake("verify")
    shard.write_bytes(whole)
    assert run.status != 0
    assert "results/foam/uncertainty.ome.zarr/0/c/0/0/0/0/0 is damaged" in run.text


def test_without_the_key_nothing_is_denoised_again(finished: Project) -> None:
    assert planned(finished, denoise={"uncertainty": False})[0] <= {"render_report"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"compare": ["medain"]}, "there is no filter or model 'medain': did you mean 'median'?"),
        ({"split": {"sections": 2}}, "needs 3 sections for its calibration, this scan has 2: set split.sections: 3"),
        ({"reconstruct": {"algorithm": "sirt"}}, "needs filtered backprojection: leave out reconstruct.algorithm"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(finished: Project, changes: dict[str, object], words: str) -> None:
    jobs, text = planned(finished, **changes)
    assert not jobs
    assert words in text
    assert len(text.strip().splitlines()) == 1
