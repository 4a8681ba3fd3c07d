"""XRD-CT runs whole: every channel of every slice comes out, named, and names re-run nothing that holds pixels."""

import json
from pathlib import Path

import numpy as np
import ome_zarr.io
import ome_zarr.reader
import pytest
import zarr
from projects import NETWORK, TRAIN, Project

import simulate_xrdct
from data import measured
from tomodenoise.geometry import field_of_view

pytestmark = pytest.mark.slow
ROCK = "rock_spectral/Sinogram_Rock_sample_2D_channels.nxs"
TINY = ["--columns=48", "--angles=60", "--channels=4", "--counts", "30", "100"]
NAMED = {"values": "/entry/data/2theta"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run three slices of four channels."""
    project = Project(tmp_path_factory.mktemp("project"))
    truth = ["--truth", str(project.folder / "truth.npy")]
    simulate_xrdct.main([str(project.folder / "scan.h5"), *truth, "--slices=3", *TINY])
    configure(project, NAMED)
    run = project.snakemake()
    assert run.status == 0, run.text
    return project


def configure(project: Project, names: dict[str, str], **scan: object) -> None:
    network = {key: value for key, value in NETWORK.items() if key != "slices"}
    entry = {"file": "scan.h5", "mode": "xrdct", "pixel_size": 2, "channels": names, "truth": "truth.npy", **scan}
    project.configure(scans={"tiny": entry}, network=network, train={**TRAIN, "patch": 24}, slab_megabytes=1)


def test_every_channel_is_projected_reconstructed_and_denoised(finished: Project) -> None:
    results = finished.folder / "results/tiny"
    arrays = {name: zarr.open_array(results / name, mode="r") for name in ("projections.zarr", "sections.zarr")}
    image = zarr.open_group(results / "denoised.ome.zarr", mode="r")
    assert arrays["projections.zarr"].shape == (60, 4, 3, 48)
    assert arrays["sections.zarr"].shape == (3, 4, 3, 48, 48)
    assert image["0"].shape == (1, 4, 3, 48, 48)
    volume, full = image["0"][0], arrays["sections.zarr"][:].mean(axis=0)
    assert np.isfinite(volume).all()
    truth, inside = np.load(finished.folder / "truth.npy"), field_of_view.mask(48, 22)
    alike = [[np.corrcoef(one[:, inside].ravel(), other[:, inside].ravel())[0, 1] for other in truth] for one in full]
    assert np.argmax(alike, axis=1).tolist() == [0, 1, 2, 3], "channels keep their order"
    # So short a training knows little more than the level of each.
    levels = [images[..., inside].mean(axis=(1, 2)) for images in (volume, full)]
    np.testing.assert_allclose(levels[0], levels[1], rtol=0.2)


def test_the_image_names_its_channels(finished: Project) -> None:
    path = finished.folder / "results/tiny/denoised.ome.zarr"
    attributes = dict(zarr.open_group(path, mode="r").attrs)
    labels = [channel["label"] for channel in attributes["ome"]["omero"]["channels"]]
    assert labels == ["2theta 2 deg", "2theta 3.33333 deg", "2theta 4.66667 deg", "2theta 6 deg"]
    assert attributes["provenance"]["channels"]["values"] == pytest.approx([2, 10 / 3, 14 / 3, 6])
    assert attributes["provenance"]["config"]["network"]["channels"] == 4
    (node, *_) = list(ome_zarr.reader.Reader(ome_zarr.io.parse_url(path))())
    assert node.metadata["channel_names"] == labels
    assert all(low < high for low, high in node.metadata["contrast_limits"])


def test_the_report_shows_channels_and_spectra(finished: Project) -> None:
    page = (finished.folder / "results/report.html").read_text()
    assert "2theta 4.66667 deg" in page
    assert page.count('<figcaption class="note">Voxel at x = ') == 4
    assert "the mean of the channels" in page
    assert "4, 2theta 2 to 6 deg" in page


def test_each_channel_is_judged_as_is_their_mean(finished: Project) -> None:
    quality = json.loads((finished.folder / "results/tiny/quality.json").read_text())
    along = quality["along"]
    assert (along["axis"], along["places"]) == ("channel", [0, 1, 2, 3])
    assert along["labels"][2] == "2theta 4.66667 deg"
    assert all(len(values) == 4 for values in along["figures"].values())
    assert all(value is not None for value in along["figures"]["psnr_denoised"])
    assert {"truth", "umse", "residual"} <= quality["figures"].keys()
    assert "mean of all channels" in quality["judged"]["basis"]
    assert "umse_given" in along["figures"]
    assert "too few for a regression" in along["absent"]["calibration"]["reason"]
    assert any(verdict["figure"] == "along" for verdict in quality["verdicts"])
    assert "Channel by channel" in (finished.folder / "results/report.html").read_text()


def test_other_names_write_the_images_header_again_and_no_pixel(finished: Project) -> None:
    configure(finished, {**NAMED, "name": "angle"})
    run = finished.snakemake("--dry-run")
    assert run.status == 0, run.text
    assert set(run.jobs) <= {"describe_image", "judge_scan", "render_report"}, run.jobs
    configure(finished, NAMED)
    run = finished.snakemake("--dry-run")
    assert run.jobs == {}, run.text


@pytest.mark.nightly
def test_the_measured_rock_runs_whole(tmp_path: Path) -> None:
    project = Project(tmp_path)
    network = {"width": 4, "depth": 2}
    entry = {"file": str(measured(ROCK)), "mode": "xrdct", "angle_unit": "radians", "center": 199.5}
    project.configure(scans={"rock": entry}, correct={"stripes": "sorting"}, network=network, train=TRAIN)
    run = project.snakemake()
    assert run.status == 0, run.text
    denoised = zarr.open_array(tmp_path / "results/rock/denoised.ome.zarr/0", mode="r")[:]
    assert denoised.shape == (1, 5, 1, 400, 400)
    assert np.isfinite(denoised).all()
    full = zarr.open_array(tmp_path / "results/rock/sections.zarr", mode="r")[:, :, 0].mean(axis=0)
    ore, matrix = full[:, 60:90, 205:240], full[:, 200:300, 230:300]
    assert (ore.mean(axis=(1, 2)) > 1.5 * matrix.mean(axis=(1, 2))).all()
    assert "cone beam" in (tmp_path / "results/report.html").read_text()
