"""A cluster for the tests of this folder, and a small project that ran on this machine alone."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clusters import OnCluster, profile
from projects import NETWORK, TRAIN, Project, simulated

CLUSTER = Path(__file__).with_name("cluster.sh")


class NoClusterError(Exception):
    """The cluster's script ended with an error, whose last line this is."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Callable[..., None]]:
    """Start the cluster, yield a function that calls its script, and stop it."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip("a cluster is started as root, on Debian")

    def call(*arguments: str) -> None:
        run = subprocess.run([CLUSTER, *arguments], stderr=subprocess.PIPE, text=True, check=False, timeout=300)
        if run.returncode:
            raise NoClusterError(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else str(run.returncode))

    try:
        try:
            call("start")
        except NoClusterError:
            call("stop")
            os.environ["CLUSTER_NETWORK"] = "loopback"
            call("start")
        yield call
    except NoClusterError as error:
        pytest.skip(f"no cluster can be started here: {error}")
    finally:
        call("stop")


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run a half and a full turn without SLURM, in slabs so small that there are several."""
    folder = tmp_path_factory.mktemp("alone")
    scans = {
        "half": simulated(folder / "half.h5", rows=48),
        "turn": simulated(folder / "turn.h5", "--span", "360", columns=140, rows=6),
    }
    project = Project(folder)
    project.configure(
        scans={name: {"file": str(file)} for name, file in scans.items()},
        network=NETWORK,
        split={"sections": 4},
        train=TRAIN,
        slab_megabytes=1,
    )
    run = project.snakemake()
    assert run.status == 0, run.text
    return project


@pytest.fixture
def copied(alone: Project, tmp_path: Path, cluster: object) -> OnCluster:
    """Copy the finished project, for a test that makes some of it again as jobs."""
    folder = tmp_path / "project"
    shutil.copytree(alone.folder, folder, symlinks=True)
    profile(folder)
    return OnCluster(folder)
