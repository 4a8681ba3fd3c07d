"""Both containers are made by the same steps, which work on a bare Debian and leave nothing to be written later."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import NETWORK, ROOT, TRAIN, Project, simulated

CONTAINERS = ROOT / "containers"
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", str(Path(__file__).with_name("bare.sh"))]
NOBODY = 12345
"""User of bare.sh."""


def test_both_definitions_start_from_the_same_debian_and_call_the_same_scripts() -> None:
    texts = [(CONTAINERS / name).read_text(encoding="utf-8") for name in ("Containerfile", "tomodenoise.def")]
    for name in ("install.sh", "run.sh"):
        assert (CONTAINERS / name).is_file()
        assert all(f"sh /opt/tomodenoise/containers/{name}" in text or name in text for text in texts)
    assert [re.findall(r"debian:\S+", text) for text in texts] == [["debian:12-slim"]] * 2
    assert [re.findall(r"TORCH=(\w+)$", text, re.MULTILINE) for text in texts] == [["cuda"]] * 2


def test_another_build_of_torch_is_refused_before_anything_is_installed() -> None:
    command = ["sh", str(CONTAINERS / "install.sh"), "rocm"]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "install.sh: torch has no build rocm here: cuda or cpu\n"


def test_the_containers_snakemake_keeps_its_caches_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "snakemake").write_text('#!/bin/sh\necho "$@"\nenv\n')
    (tmp_path / "snakemake").chmod(0o755)
    # The container's own folder comes first on the path, and is missing here.
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/root", "PYTHONPATH": "/mine"}
    command = ["sh", str(CONTAINERS / "run.sh"), "check", "--configfile", "config.yaml"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    first, *lines = done.stdout.splitlines()
    assert first == "check --configfile config.yaml --snakefile /opt/tomodenoise/Snakefile"
    seen = dict(line.split("=", 1) for line in lines)
    assert {seen[name] for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")} == {f"{tmp_path}/.snakemake/cache"}
    assert "PYTHONPATH" not in seen
    assert seen["USER"] == str(os.getuid())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the workflow, with an image that is no image."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "envs", folder / "envs")
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "containers").mkdir()
    (folder / "containers/tomodenoise.sif").touch()
    return folder


def in_apptainer(checkout: Path, project: Project, target: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake outside and its jobs in the image, by a stand-in for Apptainer."""
    (checkout / "bin").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("apptainer.sh"), checkout / "bin/apptainer")
    path = f"{checkout}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "CALLS": str(project.folder / "calls.txt")}
    command = [sys.executable, "-m", "snakemake", target, "--snakefile", str(checkout / "Snakefile"), "--cores", "2"]
    command += ["--sdm", "apptainer", "--apptainer-args", f"--nv --bind {checkout}", "--configfile", "config.yaml"]
    return subprocess.run(command, cwd=project.folder, env=env, capture_output=True, text=True, check=False)


def test_snakemake_outside_runs_every_rule_in_the_image(tmp_path: Path, checkout: Path) -> None:
    project = Project(tmp_path)
    simulated(tmp_path / "foam.h5")
    project.configure(scans={"foam": {"file": "foam.h5"}}, train=TRAIN, network=NETWORK)
    (checkout / "containers/tomodenoise.sif").rename(checkout / "elsewhere.sif")
    refused = in_apptainer(checkout, project, "train")
    image = checkout / "containers/tomodenoise.sif"
    assert refused.stderr == (
        f"tomodenoise: --sdm apptainer: there is no {image}: build it, or link it there, see docs/containers.md\n"
    )
    image.symlink_to("../elsewhere.sif")
    done = in_apptainer(checkout, project, "train")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls.txt").read_text().splitlines()
    assert {call.split()[0] for call in calls} == {str(image)}
    assert len(calls) == int(re.findall(r"^total +(\d+)$", done.stderr, re.MULTILINE)[0]) - 1  # without the target


@pytest.mark.nightly
@pytest.mark.slow
def test_a_bare_debian_becomes_the_container_and_a_scan_runs_in_it_read_only(tmp_path: Path) -> None:
    if os.getuid() or shutil.which("debootstrap") is None or not (ROOT / ".git").exists():
        pytest.skip("needs root, debootstrap and a checkout")
    root, data = tmp_path / "root", tmp_path / "data"
    debian = ["debootstrap", "--variant=minbase", "bookworm", str(root), "http://deb.debian.org/debian"]
    try:
        subprocess.run(debian, check=True, stdout=subprocess.DEVNULL)
        packed = subprocess.run(["git", "-C", str(ROOT), "archive", "HEAD"], check=True, capture_output=True).stdout
        (root / "opt/tomodenoise").mkdir()
        subprocess.run(["tar", "x", "-C", str(root / "opt/tomodenoise")], input=packed, check=True)
        subprocess.run([*NAMESPACES, "install", str(root)], check=True)
        simulated(data / "raw/foam.h5")
        Project(data).configure(scans={"foam": {"file": "raw/foam.h5"}}, train=TRAIN, network=NETWORK)
        for path in [data, *data.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        arguments = ["--configfile", "config.yaml", "--cores", "2"]
        done = subprocess.run(
            [*NAMESPACES, "run", str(root), str(data), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert (data / "results/report.html").stat().st_uid == NOBODY
        assert (data / ".snakemake/cache").is_dir()
    finally:
        shutil.rmtree(root, ignore_errors=True)
