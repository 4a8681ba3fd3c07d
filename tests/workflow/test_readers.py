"""Runs of scans whose frames lie in several files: the sections are those of the same frames in one file."""

import json
from pathlib import Path

import h5py
import numpy as np
import odd_scans
import pytest
import tifffile
import zarr
from hdf5_files import write_nxtomo
from projects import NETWORK, TRAIN, Project

SHAPED = {"describe_scan", "split_scan", "correct_slab"}


def write(file: Path, **datasets: np.ndarray) -> None:
    with h5py.File(file, "w") as content:
        for name, values in datasets.items():
            content[name] = values


def bare(folder: Path, made: odd_scans.Parts) -> None:
    """Write the projections and their angles alone."""
    odd_scans.write(folder / "bare.h5", {name: made[name] for name in ("data", "theta")})


def images(folder: Path, made: odd_scans.Parts) -> None:
    """Write a TIFF file for each projection, half of them compressed, and files of many pages for flats and darks."""
    folder.mkdir()
    for number, frame in enumerate(made["data"]):
        tifffile.imwrite(folder / f"frame_{number}.tif", frame, compression="zlib" if number % 2 else None)
    for name in ("data_white", "data_dark"):
        tifffile.imwrite(folder / f"{name}.tif", made[name])


def reduced(folder: Path, made: odd_scans.Parts) -> None:
    """Write an NXtomo file whose flats and darks are void, and their means as tomoscan does."""
    void = np.zeros_like(made["data"][:2])
    frames = np.concatenate([void, made["data"]])
    angles = np.r_[0, 0, made["theta"]]
    write_nxtomo(folder / "nxtomo.nx", frames, np.r_[2, 1, np.zeros(odd_scans.VIEWS, int)], angles=angles)
    for number, (kind, name) in enumerate([("darks", "data_dark"), ("flats", "data_white")]):
        mean = made[name].mean(axis=0, dtype=np.float32)
        write(folder / f"nxtomo_{kind}.hdf5", **{f"entry0000/{kind}/{number}": mean})


def sections(project: Project, scan: str) -> np.ndarray:
    return np.asarray(zarr.open_array(project.folder / f"results/{scan}/sections.zarr", mode="r")[:])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Reconstruct a scan in one file, and the same frames in several."""
    project = Project(tmp_path_factory.mktemp("readers"))
    made = odd_scans.parts()
    odd_scans.write(project.folder / "whole.h5", made)
    bare(project.folder, made)
    write(project.folder / "flats.h5", frames=made["data_white"])
    write(project.folder / "darks.h5", frames=made["data_dark"])
    own = {"flats": {"file": "flats.h5"}, "darks": {"file": "darks.h5", "dataset": "frames"}}
    images(project.folder / "tiff", made)
    tiff: dict[str, object] = {"file": "tiff/frame_*.tif", "angles": {"first": 0, "step": 1.5}}
    tiff |= {kind: {"file": f"tiff/data_{name}.tif"} for kind, name in (("flats", "white"), ("darks", "dark"))}
    reduced(project.folder, made)
    mean = {kind: {"file": f"nxtomo_{kind}.hdf5"} for kind in ("flats", "darks")}
    scans = {
        "whole": {"file": "whole.h5"},
        "separate": {"file": "bare.h5", **own},
        "images": tiff,
        "reduced": {"file": "nxtomo.nx", **mean},
    }
    project.configure(scans=scans)
    run = project.snakemake("reconstruct")
    assert run.status == 0, run.text
    return project


@pytest.mark.slow
@pytest.mark.parametrize("scan", ["separate", "images"])
def test_the_sections_are_those_of_one_file_to_the_bit(ran: Project, scan: str) -> None:
    np.testing.assert_array_equal(sections(ran, scan), sections(ran, "whole"))
    assert np.ptp(sections(ran, scan)) > 0.01


@pytest.mark.slow
def test_a_scan_with_reduced_flats_runs_and_says_that_sections_share_them(ran: Project) -> None:
    mine, theirs = sections(ran, "reduced").mean(axis=0), sections(ran, "whole").mean(axis=0)
    assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.95
    assert "1 flats cannot be divided among" in (ran.folder / "logs/reduced/correct/0-0.log").read_text()


@pytest.mark.slow
def test_files_of_flats_are_recorded_and_never_written(ran: Project) -> None:
    described = json.loads((ran.folder / "results/separate/scan.json").read_text())
    assert described["identity"]["files"] == ["bare.h5", "darks.h5", "flats.h5"]
    assert described["flats"][0]["file"] == "flats.h5"
    written = {file.stat().st_mtime_ns for file in ran.folder.glob("*.h5")}
    assert max(written) < (ran.folder / "results/separate/scan.json").stat().st_mtime_ns


def test_a_changed_file_of_flats_reruns_and_a_touched_one_does_not(tmp_path: Path) -> None:
    project = Project(tmp_path)
    made = odd_scans.parts()
    bare(tmp_path, made)
    write(tmp_path / "flats.h5", mean=made["data_white"].mean(axis=0, dtype=np.float32))
    project.configure(scans={"s": {"file": "bare.h5", "flats": {"file": "flats.h5"}}})
    run = project.snakemake("correct")
    assert run.status == 0, run.text
    (tmp_path / "flats.h5").touch()
    assert not set(project.snakemake("correct", "--dry-run").jobs) & SHAPED
    with h5py.File(tmp_path / "flats.h5", "a") as content:
        content["mean"][0, 0] += 1
    assert set(project.snakemake("correct", "--dry-run").jobs) >= SHAPED
    (tmp_path / "flats.h5").unlink()
    run = project.snakemake("correct")
    assert run.status != 0
    assert run.text.strip() == "tomodenoise: scans.s: flats: flats.h5: no such file: correct flats.file"


@pytest.mark.slow
def test_nxxrdct_runs_without_further_keys(tmp_path: Path) -> None:
    made = odd_scans.parts()
    light = (made["data_white"].astype(float) - odd_scans.DARK).mean(axis=0)
    integrals = -np.log(np.clip((made["data"] - odd_scans.DARK) / light, 1e-3, None)).astype(np.float32)
    with h5py.File(tmp_path / "scan.nxs", "w") as content:
        entry = content.create_group("entry")
        entry.attrs["definition"] = "NXxrdct"
        entry["instrument/detector/data"] = integrals[:, :3].transpose(2, 0, 1)
        entry["instrument/detector/radial_axis"] = np.arange(3.0)
        entry["sample/rotation_angles"] = made["theta"]
        entry["sample/rotation_angles"].attrs["units"] = "deg"
    project = Project(tmp_path)
    project.configure(scans={"s": {"file": "scan.nxs", "mode": "xrdct"}}, network=NETWORK, train=TRAIN)
    run = project.snakemake("denoise")
    assert run.status == 0, run.text
    volume = zarr.open_array(tmp_path / "results/s/denoised.ome.zarr/0", mode="r")[:]
    assert volume.shape == (1, 3, 1, odd_scans.COLUMNS, odd_scans.COLUMNS)
    assert np.isfinite(volume).all()
