"""Snakemake runs no more jobs on cards at a time than there are cards, and counts the attempts at them."""

import os
from pathlib import Path

import pytest
from projects import ROOT, warm

RULES = """
import os, sys
sys.path.insert(0, "{scripts}")
from tomodenoise.common import cards as common_cards
from tomodenoise.planning import cards, snakemake_internals
CARDS = cards.Cards(common_cards.visible(os.environ), lambda: snakemake_internals.executor(workflow) == "local")
onstart:
    snakemake_internals.share_cards(workflow, CARDS.count)
rule all:
    input: expand("{{number}}.times", number=range(3))
rule compute:
    output: "{{number}}.times"
    resources:
        gpu=CARDS.one,
        attempt=cards.attempt,
    shell:
        "test {{resources.attempt}} = 2; date +%s.%N > {{output}}; sleep 0.5; date +%s.%N >> {{output}}"
"""


def most_at_once(folder: Path) -> int:
    spans = [[float(line) for line in file.read_text().split()] for file in folder.glob("*.times")]
    assert len(spans) == 3
    return max(sum(start <= begin < end for start, end in spans) for begin, _ in spans)


@pytest.mark.parametrize(("count", "expected"), [(1, {1}), (0, {2, 3})])
def test_jobs_share_cards_and_without_any_run_as_ever(
    count: int, expected: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + count * "echo 'GPU 0: Some Card'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "Snakefile").write_text(RULES.format(scripts=ROOT / "workflow/scripts"))
    printed = [tmp_path / "stdout", tmp_path / "stderr"]
    status = warm()(tmp_path, ["--snakefile", "Snakefile", "--cores", "3", "--retries", "1"], printed)
    assert status == 0, printed[1].read_text()
    assert most_at_once(tmp_path) in expected
