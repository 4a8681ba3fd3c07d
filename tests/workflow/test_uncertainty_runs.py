"""The uncertainty of each voxel through the command line: an image like the main one, verified, exported and shown."""

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
    """Run a tiny scan of three sections."""
    project = Project(tmp_path_factory.mktemp("project"))
    configure(project, raw_scan("plain.h5", columns=64, rows=12, angles=96))
    run = project.snakemake()
    assert run.status == 0, run.text
    return project


def configure(project: Project, raw: Path, **changes: object) -> None:
    keys = {"denoise": {"uncertainty": True}, "split": {"sections": 3}, **changes}
    scans = {"foam": {"file": str(raw), "center": 32.35}}
    project.configure(scans=scans, network=NETWORK, train=TRAIN, export=["hdf5"], **keys)


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
    assert "It does not cover what all results have in common: rings, streaks, a bias" in page
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


def test_without_the_key_nothing_is_denoised_again(finished: Project, raw_scan: Callable[..., Path]) -> None:
    raw = raw_scan("plain.h5", columns=64, rows=12, angles=96)
    configure(finished, raw, denoise={"uncertainty": False})
    jobs = finished.snakemake("--dry-run").jobs
    configure(finished, raw)
    assert set(jobs) <= {"render_report"}, jobs
    assert finished.snakemake("--dry-run").jobs == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": {"sections": 2}}, "needs 3 sections for its calibration, this scan has 2: set split.sections: 3"),
        ({"reconstruct": {"algorithm": "sirt"}}, "needs filtered backprojection: leave out reconstruct.algorithm"),
    ],
)
def test_a_scan_without_a_calibration_is_refused_in_one_line(
    finished: Project, raw_scan: Callable[..., Path], changes: dict[str, object], words: str
) -> None:
    raw = raw_scan("plain.h5", columns=64, rows=12, angles=96)
    configure(finished, raw, **changes)
    run = finished.snakemake("--dry-run")
    configure(finished, raw)
    assert run.status != 0
    assert f"scans.foam: denoise.uncertainty {words}" in run.text
