"""Every rule script can be imported without running, is short, and says what it is."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

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
    import sys

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


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_a_profile_makes_nothing_again_because_code_changed(name: str) -> None:
    profile = yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
    assert set(profile["rerun-triggers"]) == {"mtime", "params", "input", "software-env"}
