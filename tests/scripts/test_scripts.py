"""Every rule script can be imported without running, is short, and says what it is."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import simulate

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
NAMES = [path.stem for path in SCRIPTS]


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_importing_a_script_runs_nothing_and_it_has_a_main(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.main)
    assert module.__doc__


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_a_script_bears_no_standard_modules_name(path: Path) -> None:
    assert path.stem not in sys.stdlib_module_names


def test_every_rule_has_a_log_and_a_benchmark() -> None:
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"\n(?:rule|checkpoint) ", file.read_text())[1:]:
            if "script:" in rule or "shell:" in rule:
                assert "log:" in rule, rule
                assert "benchmark:" in rule or "output:" not in rule, rule
                assert "conda:" in rule, rule


def test_every_dependency_has_a_version_and_checksums() -> None:
    """With one of them missing, pip would refuse to install anything."""
    pins = re.sub(r" \\\n\s+", " ", (ROOT / "envs/constraints.txt").read_text()).splitlines()
    wrong = [pin for pin in pins if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+", pin)]
    assert not wrong
    assert len(pins) > 100


MODULES = {"matplotlib-base": "matplotlib", "pillow": "PIL", "pytorch": "torch", "scikit-image": "skimage"}
WITHOUT = """
import runpy, sys
sys.modules |= dict.fromkeys(sys.argv.pop(1).split(","))  # so marked, a module cannot be imported
runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
"""


def test_jobs_are_planned_with_no_more_than_the_driver_s_environment(tmp_path: Path) -> None:
    named = {
        name: {re.match(r"[\w-]+", line)[0] for line in yaml.safe_load(file.read_text())["dependencies"]}  # type: ignore[index]
        for name in ("driver", "tomography", "learning")
        if (file := ROOT / f"envs/{name}.yaml")
    }
    lacking = (named["tomography"] | named["learning"]) - named["driver"]
    assert {"scipy", "pytorch", "zarr"} <= lacking
    modules = ",".join(MODULES.get(name, name.replace("-", "_")) for name in lacking)
    simulate.main([str(tmp_path / "raw.h5"), "--columns", "32", "--rows", "4", "--angles", "24"])
    config = {"scans": {"foam": {"file": "raw.h5"}}, "export": ["tiff", "hdf5", "ozx", "reconstruction"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    options = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml", "--dry-run"]
    command = [sys.executable, "-c", WITHOUT, modules, *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "denoise_slab" in done.stdout


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_a_profile_makes_nothing_again_because_code_changed(name: str) -> None:
    profile = yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
    assert set(profile["rerun-triggers"]) == {"mtime", "params", "input", "software-env"}
