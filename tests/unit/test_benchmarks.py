"""What the benchmarks count and compare, against values known by hand."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import contestants, counting, quality, simulated

from tomodenoise import sections, specs


def test_a_convolution_costs_two_operations_a_tap_and_moves_its_input_weights_and_output() -> None:
    image, kernel = torch.zeros(1, 8, 32, 32), torch.zeros(4, 8, 3, 3)
    cost = counting.count(lambda: functional.conv2d(image, kernel, padding=1).relu())
    assert cost.operations == 2 * 9 * 8 * 4 * 32**2
    assert cost.traffic == 4 * (8 * 32**2 + 4 * 8 * 9 + 4 * 32**2)


def test_the_mixed_scale_dense_network_costs_the_operations_of_its_definition() -> None:
    seen = sum(5 + layer for layer in range(100))
    assert contestants.flops(specs.complete({"name": "msd"})) == pytest.approx(2 * 9 * seen + 2 * 105)


def test_the_slower_of_operations_and_traffic_limits() -> None:
    rates = counting.Rates(products=10, convolutions=20, bandwidth=5)
    assert rates.seconds(counting.Cost(operations=40, traffic=5)) == 2
    assert rates.seconds(counting.Cost(operations=40, traffic=20)) == 4


@pytest.fixture
def scan() -> simulated.Scan:
    """Make up a scan so small that only its bookkeeping can be looked at."""
    truth = np.random.default_rng(0).random((4, 16, 16)).astype(np.float32)
    noisy = np.random.default_rng(1).random((32, 4, 16)).astype(np.float32)
    return simulated.Scan("tiny", np.arange(32) * np.pi / 32, noisy, noisy, truth, "cosine")


def test_supervised_training_goes_from_the_full_reconstruction_to_the_truth(
    scan: simulated.Scan, tmp_path: Path
) -> None:
    written = simulated.write_supervised(tmp_path / "pair", scan, (1, 4))
    (role,), parts = written.split.roles, written.read(0, 3)
    full = simulated.full(scan, (1, 4))
    assert sections.mix(parts, written.shares) == pytest.approx(full, abs=1e-6)
    assert sections.mix(parts, written.mixing(role.inputs)) == pytest.approx(full, abs=1e-6)
    assert sections.mix(parts, written.mixing(role.targets)) == pytest.approx(scan.truth[1:4])


def test_half_of_the_sections_are_an_input_without_the_other_half(scan: simulated.Scan, tmp_path: Path) -> None:
    four = contestants.halved(simulated.write(tmp_path / "four", scan, (0, 4), 4))
    two = simulated.write(tmp_path / "two", scan, (0, 4), 2)
    half = sections.mix(four.read(0, 4), four.mixing(four.split.roles[0].inputs))
    assert half == pytest.approx(two.read(0, 4)[0], abs=1e-5)


def test_the_table_gives_the_mean_and_spread_of_each_contestant_best_last() -> None:
    same = {"phantom": "foam", "window": "cosine", "budget": "34 Mpx"}
    found = [("good", 27.0), ("good", 28.0), ("bad", 20.0)]
    text = quality.table([{**same, "name": name, "psnr": psnr} for name, psnr in found])
    assert "34 Mpx" in text
    assert text.index("| bad | 20.00 |") < text.index("| good | 27.50 ± 0.71 |")
