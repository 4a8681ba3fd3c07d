"""A user's error is one line before any job, with a status that is not zero and nothing written."""

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


def make_files(folder: Path) -> None:
    """Write one good raw file, and others of which each has one fault."""
    (folder / "text.h5").write_text("no HDF5")
    with h5py.File(folder / "odd.h5", "w") as content:
        content["pixels"] = np.zeros((3, 4, 5))
    write(folder / "good.h5", flats=5)
    write(folder / "angles.h5", theta=19, flats=5)
    write(folder / "bare.h5")
    write(folder / "three.h5", frames=3, theta=3, flats=5)
    write(folder / "five.h5", frames=5, theta=5, flats=5)


REFUSED: dict[str, tuple[dict[str, object], list[str]]] = {
    "angles": ({"file": "angles.h5"}, ["19 angles", "20 projections"]),
    "braces": ({"file": "raw{x}.h5"}, ["raw{x}.h5", "rename the file or link to it"]),
    "center": ({"file": "good.h5", "center": 40}, ["center", "32 columns"]),
    "few": ({"file": "three.h5"}, ["only 3 projections, too few to split"]),
    "flats": ({"file": "bare.h5", "correct": {"input": "counts"}}, ["no flats"]),
    "layout": ({"file": "odd.h5"}, ["odd.h5", "layout"]),
    "missing": ({"file": "nowhere.h5"}, ["nowhere.h5"]),
    "rows": ({"file": "good.h5", "rows": [2, 9]}, ["rows", "4"]),
    "sections": ({"file": "five.h5", "split": {"sections": 4}}, ["split.sections is 4"]),
    "text": ({"file": "text.h5"}, ["text.h5", "HDF5"]),
}


def test_every_scan_that_cannot_be_used_has_its_line(project: Project) -> None:
    make_files(project.folder)
    scans = {name: entry for name, (entry, _) in REFUSED.items()}
    project.configure(scans={"good": {"file": "good.h5"}, **scans})
    run = project.snakemake("all")
    assert run.status != 0
    lines = [line for line in run.text.splitlines() if line.strip()]
    assert [line.split(":")[:2] for line in lines] == [["tomodenoise", f" scans.{name}"] for name in sorted(REFUSED)]
    for line, name in zip(lines, sorted(REFUSED), strict=True):
        assert all(part in line for part in REFUSED[name][1]), line
    assert not (project.folder / "results").exists()


def test_a_dangling_data_link(project: Project) -> None:
    project.configure(scans={"foam": {"file": str(measured("metadata_only/24888.nxs"))}})
    refused(project, "pco1-24888.hdf", "missing")


def test_an_unknown_key(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    project.configure(scans={"foam": {"file": "raw.h5"}}, trian={"pixels": 3})
    refused(project, "unknown key 'trian'", "did you mean 'train'?")


def test_two_scans_of_one_name(project: Project) -> None:
    write(project.folder / "raw.h5", flats=5)
    (project.folder / "config.yaml").write_text("scans:\n  a: {file: raw.h5}\n  a: {file: raw.h5}\n")
    refused(project, "line 3", "'a' is given twice")


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
