"""Each algorithm of each installed engine runs from the raw file to the report; nightly, with 2, 3 and 4 sections."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project

import simulate_xrdct
from tomodenoise.reconstruction.engines import registry
from tomodenoise.reconstruction.engines.registry import ENGINES
from tomodenoise.splitting import by_angle
from tomodenoise.storage import sections

pytestmark = pytest.mark.slow

ALGORITHMS = [(engine, name) for engine in ENGINES for name in registry.algorithms(engine)]
COUNTS = (2, 3, 4)
USUAL = ("torch", "fbp")
"""What all other tests reconstruct with, also scans of several channels."""
RUNS = [
    pytest.param(
        engine, name, count,
        marks=[
            *([] if engine == "torch" else [getattr(pytest.mark, engine)]),
            *([pytest.mark.nightly] if (number + count) % len(COUNTS) or (engine, name) == USUAL else []),
        ],
    )
    for number, (engine, name) in enumerate(ALGORITHMS)
    for count in COUNTS
]  # fmt: skip
"""Each number of sections with each algorithm; in the gate one of them with each but the usual."""
OPTIONS = {"iterations": 3, "regularisation": 0.01}
WITH_POWDER = 3
"""Sections with which a scan of several channels runs as well."""
POWDER = ["--slices=3", "--columns=48", "--angles=60", "--channels=2"]
ESTIMATED = {"umse", "cross_frc"}


def settings(engine: str, algorithm: str) -> dict[str, object]:
    able = registry.capabilities(engine, algorithm)
    used = {"iterations": able.iterative, "regularisation": able.regularised}
    return {"engine": engine, "algorithm": algorithm} | {key: OPTIONS[key] for key in OPTIONS if used[key]}


@pytest.mark.parametrize(("engine", "algorithm", "count"), RUNS)
def test_an_algorithm_runs_from_the_raw_file_to_the_report(
    tmp_path: Path, raw_scan: Callable[..., Path], engine: str, algorithm: str, count: int
) -> None:
    if engine != "torch" and not importlib.util.find_spec(engine):
        pytest.skip(f"{engine} is not installed")
    project = Project(tmp_path)
    scans = {"foam": {"file": str(raw_scan("algorithms.h5", columns=40, rows=5, angles=64))}}
    if count == WITH_POWDER:
        simulate_xrdct.main([str(tmp_path / "powder.h5"), *POWDER])
        scans["powder"] = {"file": "powder.h5", "mode": "xrdct"}
    project.configure(
        scans=scans,
        reconstruct=settings(engine, algorithm),
        split={"sections": count},
        network={"width": 4, "depth": 2},
        train={"pixels": 5000, "batch": 2, "patch": 16, "evaluations": 1},
    )
    run = project.snakemake()
    assert run.status == 0, run.text
    assert (tmp_path / "results/report.html").is_file()
    additive = registry.capabilities(engine, algorithm).additive
    for scan in scans:
        found = sections.describe(tmp_path / "results" / scan)
        assert found.unions == by_angle.stored(by_angle.roles(count, count - 1), additive=additive)
        quality = json.loads((tmp_path / "results" / scan / "quality.json").read_text())
        assert quality["figures"].keys() >= {"split_loss", "residual", "coverage"}
        asked_for_more = {name for name, reason in quality["absent"].items() if "split.sections: 3" in reason}
        assert asked_for_more == (ESTIMATED | {"independence", "input"} if count == 2 else set())
        assert ("umse" in quality["figures"]) == (count > 2)
        (last,) = (tmp_path / "results/models" / scan / "history.jsonl").read_text().splitlines()
        assert (json.loads(last)["umse"] is not None) == (count > 2)
