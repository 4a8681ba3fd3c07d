"""The benchmark of a graphics card runs to its end on a processor, in a reduced form."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from projects import ROOT


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a card it takes minutes: make bench-gpu")
def test_it_runs_to_its_end_without_a_card(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/card.py"), "--out", str(tmp_path / "out"), "--cores", "2"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    parts = json.loads((tmp_path / "out/card.json").read_text())["parts"]
    notes = [part["note"] for part in parts if part["note"]]
    assert notes == ["skipped: no card"]
    assert [bool(part["rows"]) for part in parts] == [True, True, True, True, False, True, True]
    text = (tmp_path / "out/card.md").read_text()
    assert all(f"## {part['title']}" in text for part in parts)
    stages = {row["stage"] for row in parts[5]["rows"]}
    assert stages >= {"correct", "center", "reconstruct", "train", "denoise"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
