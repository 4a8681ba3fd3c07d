"""A dynamic scan runs whole, from one file or from a file for each step, and gives one volume for each step."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from projects import NETWORK, TRAIN, Project

import simulate_series
from data import measured
from tomodenoise.denoising import inference
from tomodenoise.networks import models
from tomodenoise.report import series
from tomodenoise.storage import sections

SHAPE = ["--columns", "48", "--rows", "9", "--steps", "7", "--projections", "24.5", "--center", "24", "--quiet", "4"]
STEPS = {"projections": 24.5, "train": [0, 4]}


def configured(folder: Path, network: dict[str, int] = NETWORK, **scans: dict[str, object]) -> Project:
    project = Project(folder)
    # So many pixels that the network is better than none.
    train = {**TRAIN, "patch": 16, "pixels": 150_000}
    entries = {name: {"mode": "dynamic", **entry} for name, entry in scans.items()}
    project.configure(scans=entries, network=network, train=train, slab_megabytes=1)
    return project


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run a scan in files by time and one in a file by angle, and reconstruct the latter by time as well."""
    folder = tmp_path_factory.mktemp("dynamic")
    simulate_series.main([str(folder / "cell.h5"), "--truth", str(folder / "truth.npy"), *SHAPE])
    simulate_series.main([str(folder / "step_.h5"), "--layout", "files", *SHAPE])
    whole = configured(folder, whole={"file": "cell.h5", "steps": {**STEPS, "group": 2}})
    run = whole.snakemake("reconstruct")
    assert run.status == 0, run.text
    project = configured(
        folder,
        each={"file": "step_*.h5", "truth": "truth.npy", "steps": {"train": [0, 4], "group": 2, "seconds": 2.5}},
        split={"file": "cell.h5", "truth": "truth.npy", "steps": {**STEPS, "split": "angle"}},
    )
    run = project.snakemake("all")
    assert run.status == 0, run.text
    return project


def test_every_step_has_its_volume_with_the_scale_of_time(finished: Project) -> None:
    for name, seconds in (("each", 2.5), ("split", 0.1)):
        image = zarr.open_group(finished.folder / f"results/{name}/denoised.ome.zarr", mode="r")
        assert image["0"].shape == (7, 1, 9, 48, 48)
        assert np.isfinite(image["0"][:]).all()
        assert all(image["0"][step].std() > 0 for step in range(7))
        described = image.attrs["ome"]["multiscales"][0]
        assert described["axes"][0] == {"name": "t", "type": "time", "unit": "second"}
        scale = described["datasets"][0]["coordinateTransformations"][0]["scale"]
        assert scale[0] == pytest.approx(seconds, rel=0.02)


def test_steps_in_files_give_the_bits_of_steps_in_one(finished: Project) -> None:
    single, many = (
        zarr.open_array(finished.folder / f"results/{name}/sections.zarr", mode="r")[:] for name in ("whole", "each")
    )
    assert single.shape == (7, 1, 9, 48, 48)
    np.testing.assert_allclose(single, many, atol=1e-4 * np.abs(single).max())


def test_the_split_records_interlacing_and_sections_of_each_step(finished: Project) -> None:
    whole, split = (json.loads((finished.folder / f"results/{n}/split.json").read_text()) for n in ("whole", "split"))
    assert (len(whole["sections"]), whole["times"], whole["interlacing"]["verdict"]) == (7, 7, "even")
    assert (len(split["sections"]), split["times"]) == (14, 7)
    assert whole["roles"] == [{"inputs": [0], "targets": [1]}, {"inputs": [1], "targets": [0]}]


def test_the_report_shows_time(finished: Project) -> None:
    page = (finished.folder / "results/report.html").read_text()
    assert page.count(f'<figcaption class="note">{series.ANIMATION}') == 2
    assert "2 steps together have" in page


def test_every_step_is_judged_by_its_neighbours_or_by_its_angles(finished: Project) -> None:
    each, split = (
        json.loads((finished.folder / f"results/{name}/quality.json").read_text()) for name in ("each", "split")
    )
    assert each["along"]["places"] == [1, 2, 3, 4, 5]
    assert split["along"]["places"] == list(range(7))
    assert each["along"]["window"] == [0, 4]
    assert "Time step 2 is judged" in each["judged"]["basis"]
    assert None not in each["along"]["figures"]["umse_given"]
    assert "split.sections: 3 or more" in split["along"]["absent"]["umse"]["reason"]
    for quality in (each, split):
        assert all(value > 0 for value in quality["along"]["figures"]["psnr_denoised"])
        assert quality["figures"]["truth"]["psnr_denoised"] > quality["figures"]["truth"]["psnr_raw"]
    assert (finished.folder / "results/report.html").read_text().count("Step by step") == 2


def test_another_training_window_does_not_reconstruct_again(finished: Project) -> None:
    config = finished.folder / "config.yaml"
    text = config.read_text()
    assert finished.snakemake("-n").jobs == {}
    try:
        config.write_text(text.replace("train:\n      - 0\n      - 4", "train:\n      - 1\n      - 5"))
        jobs = set(finished.snakemake("-n").jobs)
    finally:
        config.write_text(text)
    assert "train_model" in jobs
    assert not jobs & {"correct_slab", "reconstruct_slab", "find_center", "split_scan", "describe_scan"}


REFUSED: dict[str, tuple[dict[str, object], list[str]]] = {
    "bare": ({}, ["steps.projections", "such as 24.5 for 180 degrees"]),
    "files": ({"file": "step_*.h5", "mode": "static"}, ["7 files", "set mode: dynamic"]),
    "group": ({"steps": {"projections": 24.5, "group": 9}}, ["steps.group is 9", "7 steps"]),
    "none": ({"file": "none_*.h5"}, ["no file matches none_*.h5"]),
    "static": ({"mode": "static", "steps": {}}, ["set mode: dynamic"]),
    "window": ({"steps": {"projections": 24.5, "train": [3, 9]}}, ["steps.train", "within [0, 7]"]),
}


def test_each_series_that_cannot_be_used_has_its_line(finished: Project, tmp_path: Path) -> None:
    for file in finished.folder.glob("*.h5"):
        (tmp_path / file.name).symlink_to(file)
    scans = {name: {"file": "cell.h5", **entry} for name, (entry, _) in REFUSED.items()}
    run = configured(tmp_path, **scans).snakemake("all")
    assert run.status != 0
    lines = [line for line in run.text.splitlines() if line.strip()]
    assert len(lines) == len(REFUSED), run.text
    for line, (name, (_, parts)) in zip(lines, sorted(REFUSED.items()), strict=True):
        assert all(part in line for part in [f"scans.{name}", *parts]), line
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        ({"steps": {**STEPS, "group": 2}}, ["scans.cell", "sees 3 time steps", "set steps.group to 4 or more"]),
        ({"steps": {**STEPS, "split": "angle"}}, ["scans.cell", "not split by time", "network.steps"]),
        ({"mode": "static"}, ["scans.cell", "not split by time", "network.steps"]),
    ],
)
def test_a_network_of_several_steps_is_refused_where_it_does_not_fit(
    finished: Project, tmp_path: Path, entry: dict[str, object], parts: list[str]
) -> None:
    (tmp_path / "cell.h5").symlink_to(finished.folder / "cell.h5")
    run = configured(tmp_path, {**NETWORK, "steps": 3}, cell={"file": "cell.h5", **entry}).snakemake("all")
    lines = [line for line in run.text.splitlines() if line.strip()]
    assert run.status != 0
    assert len(lines) == 1, run.text
    assert all(part in lines[0] for part in parts), lines[0]


@pytest.mark.slow
def test_a_network_of_three_steps_gives_the_same_bits_in_any_block(tmp_path: Path) -> None:
    simulate_series.main([str(tmp_path / "tall.h5"), *SHAPE, "--rows", "40", "--steps", "5"])
    entry = {"file": "tall.h5", "steps": {"projections": 24.5, "train": [0, 4], "group": 4}}
    project = configured(tmp_path, {**NETWORK, "steps": 3}, tall=entry)
    shard = "results/tall/denoised.ome.zarr/0/c/1/0/0/0/0"
    assert project.snakemake("-n", shard).jobs["reconstruct_slab"] == 3
    run = project.snakemake("denoise")
    assert run.status == 0, run.text
    blocks = zarr.open_array(tmp_path / "results/tall/denoised.ome.zarr/0", mode="r")
    assert (blocks.shape, blocks.shards[0]) == ((5, 1, 40, 48, 48), 2)

    scan = sections.describe(tmp_path / "results/tall")
    model = models.load(tmp_path / "results/models/tall/model.safetensors")
    for time in range(5):
        slices = [after[0] for _, after in inference.denoise(model, scan, (0, 40), time=time)]
        np.testing.assert_array_equal(blocks[time, 0], slices)


@pytest.mark.slow
@pytest.mark.nightly
def test_the_measured_gel_runs_whole_and_its_straws_fill(tmp_path: Path) -> None:
    gel = measured("gel_dynamic/gel_parallel_dx.h5")
    with h5py.File(gel) as file:
        assert "time_step" in file["exchange"]
    project = configured(tmp_path, gel={"file": str(gel)})
    run = project.snakemake("all")
    assert run.status == 0, run.text
    image = zarr.open_array(tmp_path / "results/gel/denoised.ome.zarr/0", mode="r")[:, 0, 0]
    assert image.shape == (8, 282, 282)
    inside = np.hypot(*np.indices((282, 282)) - 140.5) < 90
    assert "steps repeat each other&#39;s angles" in (tmp_path / "results/report.html").read_text()
    assert np.quantile(image[7][inside], 0.99) > np.quantile(image[0][inside], 0.99)
