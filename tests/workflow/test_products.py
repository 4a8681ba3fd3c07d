"""Exports, and the commands after a run: damage is found, and the printed command repairs it alone."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import yaml
import zarr
from projects import NETWORK, TRAIN, Project

import write_config

pytestmark = pytest.mark.slow
SECTIONS = "results/foam/sections.zarr"
IMAGE = "results/foam/denoised.ome.zarr"
AFTER_DENOISING = {"describe_image", "export_file", "export_tiff_slab", "describe_tiff", "judge_scan"} | {
    "render_report"
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Run a scan with all exports, once."""
    project = Project(tmp_path_factory.mktemp("products"))
    shutil.copy(raw_scan("foam64.h5"), project.folder / "raw.h5")
    project.configure(
        scans={"foam": {"file": "raw.h5", "pixel_size": 1.5}},
        network=NETWORK,
        train=TRAIN,
        slab_megabytes=1,
        export=["tiff16", "hdf5", "ozx", "reconstruction"],
    )
    run = project.snakemake()
    assert run.status == 0, run.text
    return project


def verified(project: Project) -> tuple[str, str]:
    """Run verify; return what it complains about, and the command that repairs it."""
    run = project.snakemake("verify")
    if run.status == 0:
        assert "tomodenoise: " not in run.text
        return "", ""
    return complaint(run.text)


def complaint(text: str) -> tuple[str, str]:
    """Return what verify says is wrong, and the command that repairs it."""
    complaints = [line for line in text.splitlines() if line.startswith("tomodenoise: ")]
    message, command = complaints[0].split(": this command remakes only what is damaged or missing: ")
    return message.removeprefix("tomodenoise: "), command


def repair(project: Project, command: str) -> str:
    """Run the command in a shell; return what it prints."""
    folder = project.folder / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "snakemake"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m snakemake "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=project.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if "tomodenoise: " in done.stderr else 0), done.stderr
    return done.stderr


def flip_a_bit(file: Path) -> None:
    status, content = file.stat(), bytearray(file.read_bytes())
    content[len(content) // 2] ^= 32
    file.write_bytes(content)
    os.utime(file, (status.st_mtime, status.st_mtime))


def cut(file: Path) -> None:
    status = file.stat()
    file.write_bytes(file.read_bytes()[:-20])
    os.utime(file, (status.st_mtime, status.st_mtime))


def test_exports_hold_the_volumes(finished: Project) -> None:
    for volume in ("denoised", "reconstruction"):
        folder = finished.folder / "results/foam"
        values = zarr.open_group(folder / f"{volume}.ome.zarr", mode="r")["0"][0, 0]
        with h5py.File(folder / f"{volume}.h5") as file:
            np.testing.assert_array_equal(file["entry/data/data"][()], values)
            provenance = json.loads(file["entry/reconstruction/provenance/data"][()])
        assert provenance["source"]["path"] == "raw.h5"
        assert ("train" in provenance["config"]) == (volume == "denoised")
        described = json.loads((folder / f"{volume}_tiff16/volume.json").read_text())
        stack = np.stack([tifffile.imread(file) for file in sorted((folder / f"{volume}_tiff16").glob("*.tif"))])
        assert described["shape"] == {"t": 1, "c": 1, "z": 12, "y": 64, "x": 64}
        (calibration,) = described["calibration"]
        restored = calibration["offset"] + calibration["step"] * stack.astype(float)
        inside = (stack > 0) & (stack < 65535)
        np.testing.assert_allclose(restored[inside], values[inside], atol=0.6 * calibration["step"])
        assert np.count_nonzero(~inside) >= described["clipped"]


def test_the_noisy_volume_is_the_mean_of_the_sections(finished: Project) -> None:
    sections = zarr.open_array(finished.folder / SECTIONS, mode="r")[:, 0]
    split = json.loads((finished.folder / "results/foam/split.json").read_text())
    shares = [len(section["indices"]) for section in split["sections"]]
    noisy = zarr.open_group(finished.folder / "results/foam/reconstruction.ome.zarr", mode="r")["0"][0, 0]
    np.testing.assert_allclose(noisy, np.average(sections, axis=0, weights=shares), atol=1e-5)


def test_each_command_is_written_down(finished: Project) -> None:
    lines = (finished.folder / "logs/commands.log").read_text().splitlines()
    assert "--configfile config.yaml --cores 2" in lines[0]


def test_a_whole_run_verifies(finished: Project) -> None:
    assert verified(finished) == ("", "")


@pytest.mark.parametrize(
    ("file", "spoil", "what", "again"),
    [
        (f"{SECTIONS}/c/0/0/0/0/0", flip_a_bit, "is damaged", set()),
        (f"{IMAGE}/0/c/0/0/0/0/0", Path.unlink, "is missing", AFTER_DENOISING),
        pytest.param(f"{IMAGE}/0/c/0/0/0/0/0", cut, "is damaged", {"render_report"}, marks=pytest.mark.nightly),
        pytest.param(f"{IMAGE}/zarr.json", cut, "is damaged", set(), marks=pytest.mark.nightly),
        pytest.param("results/foam/denoised.h5", flip_a_bit, "is damaged", set(), marks=pytest.mark.nightly),
        pytest.param("results/foam/denoised.ozx", flip_a_bit, "is damaged", set(), marks=pytest.mark.nightly),
        ("results/foam/denoised_tiff16/z00003.tif", flip_a_bit, "", {"describe_tiff"}),
        # The history holds the time that training took, which the report shows.
        pytest.param(
            "results/models/foam/model.safetensors", cut, "is damaged", {"render_report"}, marks=pytest.mark.nightly
        ),
    ],
)
def test_damage_is_named_and_the_printed_command_repairs_it_alone(
    finished: Project, file: str, spoil: Callable[[Path], None], what: str, again: set[str]
) -> None:
    before = finished.bits("results/foam/**/*") | finished.bits("results/models/foam/model.safetensors")
    spoil(finished.folder / file)
    message, command = verified(finished)
    assert message == f"{file} {what}" if what else "z00003.tif is damaged" in message
    assert command.count("snakemake ") == 1
    assert "tomodenoise: " not in repair(finished, command)
    assert before == finished.bits("results/foam/**/*") | finished.bits("results/models/foam/model.safetensors")
    assert verified(finished) == ("", "")
    run = finished.snakemake("--dry-run")
    assert set(run.jobs) <= again, run.text


def test_damage_behind_damaged_metadata_is_found_once_repaired(finished: Project) -> None:
    before = finished.bits("results/foam/**/*")
    for file in ("zarr.json", "c/0/0/0/0/0"):
        cut(finished.folder / SECTIONS / file)
    found, command = verified(finished)
    assert found == f"{SECTIONS}/zarr.json is damaged, so its shards were not read"
    found, command = complaint(repair(finished, command))
    assert found == f"{SECTIONS}/c/0/0/0/0/0 is damaged"
    assert "tomodenoise: " not in repair(finished, command)
    assert before == finished.bits("results/foam/**/*")
    assert verified(finished) == ("", "")
    assert set(finished.snakemake("--dry-run").jobs) <= {"render_report", "describe_tiff"}  # left by other tests


def test_intermediates_go_when_the_volume_is_whole_and_are_not_missed(finished: Project) -> None:
    shard = finished.folder / IMAGE / "0/c/0/0/0/0/0"
    content = shard.read_bytes()
    flip_a_bit(shard)
    run = finished.snakemake("clean_intermediates")
    assert run.status != 0
    assert "kept those of foam: incomplete or not judged" in run.text
    assert (finished.folder / SECTIONS / "c").exists()
    status = shard.stat()
    shard.write_bytes(content)
    os.utime(shard, (status.st_mtime, status.st_mtime))
    run = finished.snakemake("clean_intermediates")
    assert run.status == 0, run.text
    assert "MB freed" in run.text
    assert not (finished.folder / SECTIONS / "c").exists()
    assert set(finished.snakemake("--dry-run").jobs) <= {"render_report", "describe_tiff"}
    assert verified(finished) == ("", "")


def test_intermediates_can_go_as_the_run_goes_on(tmp_path: Path, finished: Project) -> None:
    """On one core, and to the bits of the run on two that kept them."""
    project = Project(tmp_path)
    for name in ("raw.h5", "config.yaml"):
        shutil.copy(finished.folder / name, tmp_path)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    project.configure(**config | {"export": ["reconstruction"], "intermediates": "delete"})
    run = project.snakemake("--cores", "1")
    assert run.status == 0, run.text
    assert not (tmp_path / SECTIONS / "c").exists()
    assert project.bits("results/*/*.ome.zarr/*/c/**/*") == finished.bits("results/*/*.ome.zarr/*/c/**/*")
    assert not project.snakemake("--dry-run").jobs
    assert verified(project) == ("", "")


def test_a_target_with_nothing_to_export_says_so(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    shutil.copy(raw_scan("foam64.h5"), tmp_path / "raw.h5")
    project = Project(tmp_path)
    project.configure(scans={"foam": {"file": "raw.h5"}})
    run = project.snakemake("export")
    assert run.status != 0
    assert "export is empty: name tiff" in run.text
    run = project.snakemake("verify")
    assert run.status != 0
    assert "not made yet" in run.text


def test_the_command_that_a_drafted_configuration_ends_with_checks_it(
    tmp_path: Path, raw_scan: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(raw_scan("foam64.h5"), tmp_path / "raw scan.h5")
    monkeypatch.chdir(tmp_path)
    write_config.main(Path("my config.yaml"), [Path("raw scan.h5")])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert Path(command[0]).name == "snakemake"
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no problems found" in done.stdout + done.stderr


def test_check_tells_what_a_run_takes_and_what_stands_in_its_way(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    shutil.copy(raw_scan("foam64.h5"), tmp_path / "raw.h5")
    project = Project(tmp_path)
    project.configure(scans={"foam": {"file": "raw.h5"}}, network=NETWORK, train=TRAIN, export=["tiff"])
    run = project.snakemake("check")
    assert run.status == 0, run.text
    assert "96 projections of 12 x 64" in run.text
    for stage in ("correct", "reconstruct", "train", "denoise", "tiff"):
        (line,) = (line for line in run.text.splitlines() if line.split()[:1] == [stage])
        assert " GB " in line
    assert "no problems found" in run.text
    assert not (tmp_path / "results").exists()

    with h5py.File(tmp_path / "raw.h5", "r+") as file:
        values = file["exchange/data"][()]
        del file["exchange/data"]
        file.create_dataset("exchange/data", data=values, chunks=(1, *values.shape[1:]), compression="gzip")
        place = file["exchange/data"].id.get_chunk_info(0).byte_offset
    with (tmp_path / "raw.h5").open("r+b") as stream:
        stream.seek(place)
        stream.write(bytes(20))
    run = project.snakemake("check")
    assert run.status != 0
    assert "/exchange/data: frame 0: raw.h5 cannot be read" in run.text
