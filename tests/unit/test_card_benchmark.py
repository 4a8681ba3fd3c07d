"""The benchmark of a graphics card goes on after a failure, and calculates large scans from its own figures."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import card, card_run
from benchmarks.card_rates import Row


def test_a_part_that_fails_keeps_its_rows_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    def rows() -> Iterator[Row]:
        yield {"network": "unet", "ms": 3.14159}
        raise RuntimeError("CUDA out of memory")

    part = card.measured("Training", rows)
    assert part.rows == [{"network": "unet", "ms": 3.14159}]
    assert part.note == "failed: RuntimeError: CUDA out of memory"
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == ["## Training", "", "| network | ms |", "|---|---|", "| unet | 3.14 |"]
    assert part.note in lines


def test_a_large_scan_is_calculated_from_rates_and_by_its_voxels() -> None:
    stages: list[Row] = [
        {"stage": "all, wall time", "jobs": None, "s": 100.0, "longest, s": None},
        {"stage": "center", "jobs": 1, "s": 12.0, "longest, s": 12.0},
        {"stage": "correct", "jobs": 1, "s": 6.0, "longest, s": 6.0},
        {"stage": "reconstruct", "jobs": 1, "s": 7.0, "longest, s": 7.0},
        {"stage": "train", "jobs": 1, "s": 30.0, "longest, s": 30.0},
        {"stage": "denoise", "jobs": 1, "s": 16.0, "longest, s": 16.0},
    ]
    trainings: list[Row] = [
        {"network": "unet", "batch x patch": "8 x 96", "loop, Mpx/s": 1.0},
        {"network": "unet, width 32", "batch x patch": "8 x 96", "loop, Mpx/s": 10.0},
    ]
    reconstructions: list[Row] = [
        {"columns x angles": "2048 x 1500", "ms a slice": 100.0},
        {"columns x angles": "2048 x 375", "ms a slice": 19.4},
    ]
    networks: list[Row] = [{"network": "unet, width 32", "file to file, Mvox/s": 22.4}]
    rows = card_run.forecast(card_run.CARD, stages, trainings, reconstructions, networks)
    minutes = {row["stage"]: row["min"] for row in rows}
    assert minutes["center"] == pytest.approx(0.2)
    assert minutes["correct"] == pytest.approx(0.1 * 2048**3 / (1024**2 * 64))
    assert minutes["reconstruct"] == pytest.approx(0.0194 * 4 * 2048 / 60)
    assert minutes["train"] == pytest.approx(1e9 / 1e7 / 60)
    assert minutes["denoise"] == pytest.approx(2048**3 / 22.4e6 / 60)
