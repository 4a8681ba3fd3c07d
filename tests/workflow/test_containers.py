"""Both containers are made by the same steps, which work on a bare Debian and leave nothing to be written later."""

import os
import re
import shutil
import subprocess
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
