"""A release is of one version, and its archive works without git."""

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml
from projects import ROOT, Project, simulated

import tomodenoise


def test_version_and_date_of_a_release_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    released = re.findall(
        r"^## \[(\d\S*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert tomodenoise.__version__ == version
    assert (citation["version"], str(citation["date-released"])) == released[0]
    assert released[0][0] == version


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack an archive of the last commit, inside a repository that is not ours."""
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout, but a source archive")
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    subprocess.run([*git, "archive", "--prefix=tomodenoise/", f"--output={folder}/all.tar", "HEAD"], check=True)
    with tarfile.open(folder / "all.tar") as packed:
        packed.extractall(folder, filter="data")
    return folder / "tomodenoise"


def test_tests_pass_in_an_archive(archive: Path) -> None:
    tests = ["tests/unit/test_provenance.py", "tests/unit/test_grid.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=archive, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_an_archive_plans_a_scan_and_knows_its_revision(archive: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    simulated(tmp_path / "raw/foam.h5")
    project.configure(scans={"foam": {"file": "raw/foam.h5"}})
    options = ["--snakefile", str(archive / "Snakefile"), "--configfile", "config.yaml", "--cores", "1"]
    command = [sys.executable, "-m", "snakemake", "check", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no problems found" in done.stdout
    code = "from tomodenoise.common import provenance; print(provenance.collect({}, {})['revision'])"
    scripts = archive / "workflow/scripts"
    run = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True, check=True)
    ours = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert ours.stdout.startswith(run.stdout.strip())
    assert len(run.stdout.strip()) >= 7
