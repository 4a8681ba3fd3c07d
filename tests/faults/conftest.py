"""The project that ran undisturbed, and a file system that faults may fill and close."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from projects import NETWORK, TRAIN, Project, simulated
from undisturbed import Undisturbed, digests


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run a small scan, in slabs so small that there are several, from raw to report."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    simulated(project.folder / "foam.h5", columns=96, rows=24, angles=96)
    project.configure(scans={"foam": {"file": "foam.h5"}}, network=NETWORK, train=TRAIN, slab_megabytes=1)
    run = project.snakemake()
    assert run.status == 0, run.text
    return Undisturbed(project, digests(project))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Return a function that mounts a file system of 64 MB for the project, or skips where that is not allowed."""
    place = tmp_path / "disk"

    def mount() -> Path:
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a file system of its own needs the right to mount: {done.stderr.strip()}")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", "--lazy", str(place)], check=True)
