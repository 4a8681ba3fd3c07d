"""A user's error is one line before any job, with a non-zero exit status and nothing written."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from projects import Project

from data import measured


def refused(project: Project, *parts: str) -> None:
    """Expect one line that holds all parts, before any job."""
    run = project.snakemake("all")
    lines = [line for line in run.text.splitlines() if line.strip()]
    assert run.status != 0
    assert len(lines) == 1, run.text
    assert lines[0].startswith("tomodenoise: ")
    for part in parts:
        assert part in lines[0]
    assert not (project.folder / "results").exists()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def write(file: Path, frames: int = 20, theta: int = 20, flats: int = 0) -> Path:
    with h5py.File(file, "w") as content:
        content["exchange/data"] = np.ones((frames, 4, 32), dtype=np.uint16)
        content["exchange/theta"] = np.linspace(0, 180, theta, endpoint=False)
        if flats:
            content["exchange/data_white"] = np.full((flats, 4, 32), 9, dtype=np.uint16)
    return file


def test_a_missing_file(project: Project) -> None:
    project.configure(scans={"foam": {"file": "nowhere.h5"}})
    refused(project, "scans.foam", "nowhere.h5")


def test_a_file_that_is_not_hdf5(project: Project) -> None:
    (project.folder / "text.h5").write_text("no HDF5")
    project.configure(scans={"foam": {"file": "text.h5"}})
    refused(project, "scans.foam", "text.h5", "HDF5")


def test_an_unknown_layout(project: Project) -> None:
    with h5py.File(project.folder / "odd.h5", "w") as content:
        content["pixels"] = np.zeros((3, 4, 5))
    project.configure(scans={"foam": {"file": "odd.h5"}})
    refused(project, "scans.foam", "odd.h5", "layout")


def test_a_dangling_data_link(project: Project) -> None:
    project.configure(scans={"foam": {"file": str(measured("metadata_only/24888.nxs"))}})
    refused(project, "pco1-24888.hdf", "missing")


def test_angles_and_frames_that_differ_in_number(project: Project) -> None:
    write(project.folder / "raw.h5", frames=20, theta=19, flats=5)
    project.configure(scans={"foam": {"file": "raw.h5"}})
    refused(project, "20", "19")


def test_counts_without_flats(project: Project) -> None:
    write(project.folder / "raw.h5")
    project.configure(scans={"foam": {"file": "raw.h5"}}, correct={"input": "counts"})
    refused(project, "flats")


def test_rows_out_of_range(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    project.configure(scans={"foam": {"file": "raw.h5", "rows": [2, 9]}})
    refused(project, "rows", "4")


def test_fewer_projections_than_sections(project: Project) -> None:
    for frames, words in ((3, "only 3 projections, too few to split"), (5, "split.sections is 4")):
        write(project.folder / "raw.h5", frames=frames, theta=frames, flats=5)
        project.configure(scans={"foam": {"file": "raw.h5"}}, split={"sections": 4})
        refused(project, words)


def test_an_unknown_key(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    project.configure(scans={"foam": {"file": "raw.h5"}}, trian={"pixels": 3})
    refused(project, "unknown key 'trian'", "did you mean 'train'?")


def test_two_scans_of_one_name(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    (project.folder / "config.yaml").write_text("scans:\n  a: {file: raw.h5}\n  a: {file: raw.h5}\n")
    refused(project, "line 3", "'a' stands there twice")


def test_a_center_outside_of_the_detector(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    project.configure(scans={"foam": {"file": "raw.h5", "center": 40}})
    refused(project, "center", "32 columns")


def test_braces_in_a_path(project: Project) -> None:
    project.configure(scans={"foam": {"file": "raw{x}.h5"}})
    refused(project, "scans.foam", "raw{x}.h5", "rename the file or link to it")


def test_a_model_file_that_is_missing_or_no_model(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    for name in ("nowhere.safetensors", "raw.h5"):
        project.configure(scans={"foam": {"file": "raw.h5", "model": "old"}}, models={"old": {"file": name}})
        refused(project, "models.old.file", name)


def test_products_of_an_earlier_version(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    project.configure(scans={"foam": {"file": "raw.h5"}})
    earlier = project.folder / "results/foam/scan.json"
    earlier.parent.mkdir(parents=True)
    earlier.write_text('{"kind": "counts"}')
    run = project.snakemake("all")
    assert run.status != 0
    assert run.text.startswith("tomodenoise: scans.foam: results/foam/scan.json is of an earlier version")
    assert len(run.text.splitlines()) == 1
    assert [file.name for file in (project.folder / "results").rglob("*")] == ["foam", "scan.json"]


def test_a_model_of_neither_file_nor_scans(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    project.configure(scans={"foam": {"file": "raw.h5"}}, models={"old": {}})
    refused(project, "models.old is empty", "name a file")


def test_a_large_scan_is_planned_quickly(project: Project, raw_scan: Callable[..., Path]) -> None:
    """2048 x 2048 x 2048: some 200 jobs and no data, as HDF5 leaves out what was never written."""
    with h5py.File(project.folder / "raw.h5", "w") as content:
        content.create_dataset("exchange/data", (2048, 2048, 2048), np.uint16, chunks=(1, 2048, 2048))
        content.create_dataset("exchange/data_white", (50, 2048, 2048), np.uint16, chunks=(1, 2048, 2048))
        content["exchange/theta"] = np.linspace(0, 180, 2048, endpoint=False)
    project.configure(scans={"large": {"file": "raw.h5"}})
    run = project.snakemake("--dry-run", "--quiet", "host")
    assert run.status == 0, run.text
    assert run.jobs["reconstruct_slab"] == 2 * run.jobs["correct_slab"] == 64
    assert run.jobs["denoise_slab"] == 16
    assert run.jobs["halve_slab"] == 14


def test_every_scan_that_cannot_be_used_has_its_line(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    scans = {"good": {"file": "raw.h5"}, "rows": {"file": "raw.h5", "rows": [2, 9]}, "lost": {"file": "lost.h5"}}
    project.configure(scans=scans)
    run = project.snakemake("all")
    lines = [line for line in run.text.splitlines() if line.strip()]
    assert run.status != 0
    assert [line.split(":")[:2] for line in lines] == [["tomodenoise", " scans.lost"], ["tomodenoise", " scans.rows"]]
