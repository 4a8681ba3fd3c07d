"""Keys that select frames re-run what depends on them, and a lost file is one line before any job."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdf5_files import half_turn, write_nxtomo
from projects import Project

KEYS = np.repeat([2, 1, 0], [3, 8, 24])
FRAMES = np.random.default_rng(0).poisson(np.array([10, 400, 200])[2 - KEYS][:, None, None], (35, 4, 32))
SHAPED = {"describe_scan", "split_scan", "correct_slab"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_nxtomo(tmp_path / "raw.h5", FRAMES.astype(np.uint16), KEYS, angles=np.r_[np.zeros(11), half_turn(24)])
    with h5py.File(tmp_path / "raw.h5", "a") as content:
        content.copy("entry", "later")
    return Project(tmp_path)


def jobs(project: Project, **entry: Any) -> set[str]:  # noqa: ANN401 - a YAML value
    project.configure(scans={"s": {"file": "raw.h5", **entry}})
    run = project.snakemake("correct", "--dry-run")
    assert run.status == 0, run.text
    return set(run.jobs)


def test_entry_and_exclude_make_again_what_they_shape(project: Project) -> None:
    assert jobs(project) >= SHAPED
    assert project.snakemake("correct").status == 0
    log = (project.folder / "logs/s/describe.log").read_text()
    assert "entry entry is used, the first; the file also holds later" in log
    assert not jobs(project) & SHAPED
    assert jobs(project, entry="later") >= SHAPED
    assert jobs(project, exclude={"projections": [[3, 5]], "flats": [0]}) >= SHAPED
    run = project.snakemake("correct")
    assert run.status == 0, run.text
    scan = json.loads((project.folder / "results/s/scan.json").read_text())
    assert scan["excluded"] == {"projections": [[3, 5]], "flats": [[0, 1]]}
    assert (scan["number_of_projections"], scan["flats"][0]["number"]) == (22, 7)
    split = json.loads((project.folder / "results/s/split.json").read_text())
    assert sum(len(section["indices"]) for section in split["sections"]) == 22
    assert "left out by the key exclude: projections [3, 5)" in (project.folder / "logs/s/describe.log").read_text()


def test_a_lost_linked_file_is_one_line_and_a_changed_one_reruns(project: Project) -> None:
    raw, path = project.folder / "raw.h5", "entry/instrument/detector/data"
    with h5py.File(raw, "a") as content:
        frames = content[path][()]
        del content[path], content["later"]
        outer = h5py.VirtualLayout(frames.shape, frames.dtype)
        outer[:] = h5py.VirtualSource("master.h5", "data", frames.shape)
        content.create_virtual_dataset(path, outer)
    inner = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number, part in enumerate(np.split(np.arange(35), [20])):
        with h5py.File(project.folder / f"cam_{number}.h5", "w") as content:
            content["data"] = frames[part]
        inner[part[0] : part[-1] + 1] = h5py.VirtualSource(f"cam_{number}.h5", "data", frames[part].shape)
    with h5py.File(project.folder / "master.h5", "w") as content:
        content.create_virtual_dataset("data", inner)
    assert jobs(project) >= SHAPED
    assert project.snakemake("correct").status == 0
    lost = project.folder / "cam_1.h5"
    kept = lost.read_bytes()
    lost.unlink()
    run = project.snakemake("correct", "--dry-run")
    assert run.status != 0
    assert len(run.text.strip().splitlines()) == 1
    assert run.text.startswith(f"tomodenoise: scans.s: raw.h5: /{path} is incomplete: master.h5: /data takes data from")
    assert run.text.strip().endswith("cam_1.h5, which is missing: copy that file there")
    lost.write_bytes(kept)
    assert not jobs(project) & SHAPED
    with h5py.File(lost, "a") as content:
        content["data"][0, 0, 0] += 1
    assert jobs(project) >= SHAPED
