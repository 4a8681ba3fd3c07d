"""Rounds on projected copies, `train.reproject`: from the raw files to the report, and where they are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project

import simulate_xrdct
from tomodenoise.networks import model_file

pytestmark = pytest.mark.slow

NETWORK = {"name": "unet", "slices": 3, "width": 4, "depth": 2}
FILES = ["checkpoint.pt", "history.jsonl", "model.safetensors", "training.html"]
TRAIN = {"pixels": 2e4, "batch": 4, "patch": 16, "evaluations": 2, "reproject": 1}


def test_scans_of_one_and_of_several_channels_are_trained_on_their_copies(
    tmp_path: Path, raw_scan: Callable[..., Path]
) -> None:
    project = Project(tmp_path)
    simulate_xrdct.main([str(tmp_path / "powder.h5"), "--slices=3", "--columns=48", "--angles=30", "--channels=2"])
    scans = {
        "foam": {"file": str(raw_scan("few.h5", columns=40, rows=12, angles=32))},
        "powder": {"file": "powder.h5", "mode": "xrdct"},
    }
    project.configure(scans=scans, network={**NETWORK, "slices": 1}, train=TRAIN)
    run = project.snakemake("report")
    assert run.status == 0, run.text
    page = (tmp_path / "results/report.html").read_text()
    for name in scans:
        folder = tmp_path / "results/models" / name
        found = model_file.describe(folder / "model.safetensors").facts["reprojection"]
        assert len(found["errors"]) == 2
        assert found["rounds"] == (found["errors"][1] < found["errors"][0])
        assert "copies, round 1: error" in (tmp_path / f"logs/models/{name}/train.log").read_text()
        assert sorted(file.name for file in folder.iterdir()) == FILES
        assert f"{found['rounds']} kept" in page


def test_a_scan_of_few_angles_takes_rounds_unasked_within_the_budget(
    tmp_path: Path, raw_scan: Callable[..., Path]
) -> None:
    project = Project(tmp_path)
    scans = {"foam": {"file": str(raw_scan("fewer.h5", columns=64, rows=12, angles=32))}}
    train = {**TRAIN, "pixels": 4e4}
    del train["reproject"]
    project.configure(scans=scans, network=NETWORK, train=train)
    run = project.snakemake("train")
    assert run.status == 0, run.text
    folder = tmp_path / "results/models/foam"
    assert len(model_file.describe(folder / "model.safetensors").facts["reprojection"]["errors"]) >= 2
    assert json.loads((folder / "history.jsonl").read_text().splitlines()[-1])["pixels"] == pytest.approx(2e4, rel=0.1)
    assert project.snakemake("-n", "train").text.count("Nothing to be done") == 1


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        ({"reconstruct": {"algorithm": "sirt"}}, ["needs filtered backprojection", "'foam'", "sirt"]),
        ({"network": {"name": "unet3d", "depth": 2}}, ["needs a network of slices", "unet"]),
        ({"mode": "dynamic", "steps": {"projections": 16}}, ["'foam' is dynamic", "only static scans"]),
    ],
)
def test_what_cannot_be_projected_is_refused_in_one_line(
    tmp_path: Path, raw_scan: Callable[..., Path], config: dict[str, object], parts: list[str]
) -> None:
    project = Project(tmp_path)
    entry = {"file": str(raw_scan("few.h5", columns=40, rows=12, angles=32))}
    entry |= {key: config[key] for key in ("mode", "steps") if key in config}
    others = {key: value for key, value in config.items() if key not in entry}
    project.configure(**{"scans": {"foam": entry}, "network": NETWORK, "train": TRAIN, **others})
    run = project.snakemake("-n", "train")
    lines = [line for line in run.text.splitlines() if line.strip()]
    assert run.status != 0
    assert len(lines) == 1, run.text
    assert all(part in lines[0] for part in ["train.reproject", *parts]), lines[0]
