"""Other packages, and other orders of splitting and denoising, in the benchmarks: what is ours about them."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import contestants, orders, peers, simulated
from benchmarks.peers import Peer

from tomodenoise.common.arrays import FloatArray
from tomodenoise.metrics import merit
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.storage.sections import Sections


@pytest.fixture(scope="module")
def scan() -> simulated.Scan:
    """Make a scan so small that only its bookkeeping can be tested."""
    draw = np.random.default_rng(0)
    truth = draw.random((simulated.ROWS, 16, 16)).astype(np.float32)
    noisy = draw.random((64, simulated.ROWS, 16)).astype(np.float32)
    return simulated.Scan("tiny", np.arange(64) * np.pi / 64, noisy, noisy, truth, "cosine")


def test_each_section_is_the_target_of_the_mean_of_the_others() -> None:
    parts = np.random.default_rng(0).random((4, 3, 5, 5)).astype(np.float32)
    inputs, targets = peers.pairs(parts)
    assert inputs.shape == targets.shape == (12, 5, 5)
    np.testing.assert_array_equal(targets[7], parts[2, 1])
    np.testing.assert_allclose(inputs[7], (parts[0, 1] + parts[1, 1] + parts[3, 1]) / 3, rtol=1e-5)


def test_a_peer_learns_and_is_judged_on_the_rows_of_the_contestants(scan: simulated.Scan, tmp_path: Path) -> None:
    seen: list[FloatArray] = []

    def train(parts: FloatArray, seconds: float, seed: int, folder: Path) -> peers.Denoise:
        assert (seconds, seed) == (3.0, 5)
        assert list(folder.iterdir()) == []
        seen.append(parts)
        return lambda noisy: noisy.mean(axis=0)

    found = peers.measure(Peer("any", "sys", train), 3.0, scan, 5, tmp_path)
    np.testing.assert_allclose(seen[0].mean(axis=0), simulated.full(scan, simulated.TRAINED), atol=1e-5)
    full, truth = (simulated.full(scan, simulated.JUDGED), scan.truth[slice(*simulated.JUDGED)])
    assert found["psnr"] == pytest.approx(merit.psnr(full, truth, scan.mask, 1), abs=1e-4)
    assert found["ssim"] == pytest.approx(merit.ssim(full, truth, scan.mask, 1), abs=1e-4)
    assert found["psnr"] == pytest.approx(contestants.figures(full, scan)["psnr"], abs=1e-4)
    assert found["psnr_fit"] > found["psnr"]


def test_a_linear_fit_undoes_scale_and_offset_of_what_is_judged() -> None:
    truth = np.random.default_rng(0).random((2, 6, 6)).astype(np.float32)
    mask = np.zeros((6, 6), dtype=bool)
    mask[1:5, 1:5] = True
    changed = np.where(mask, 3 * truth - 2, 100.0).astype(np.float32)
    np.testing.assert_allclose(peers.fitted(changed, truth, mask)[:, mask], truth[:, mask], atol=1e-5)


def test_a_peer_that_is_not_installed_is_listed_with_the_reason(
    scan: simulated.Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Peer("nowhere==1.2", "nowhere_at_all", lambda *_: pytest.fail("trained"))
    monkeypatch.setattr(peers, "PEERS", {"absent": absent, "not asked for": absent})
    lines = list(peers.rows(argparse.Namespace(seconds=1.0, only=["absent"], seed=0), scan))
    assert lines == ["| absent | skipped: nowhere_at_all is not installed: pip install nowhere==1.2 | | | |"]


@pytest.mark.slow
@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_trains_and_denoises(name: str, tmp_path: Path) -> None:
    pytest.importorskip(peers.PEERS[name].module, reason=str(peers.PEERS[name].missing))
    parts = np.random.default_rng(0).normal(5, 1, (4, 4, 64, 64)).astype(np.float32)
    denoised = peers.PEERS[name].train(parts, 1.0, 0, tmp_path)(parts[:, :1])
    assert denoised.shape == (1, 64, 64)
    assert denoised.mean() == pytest.approx(5, abs=1)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> orders.BlindSpots:
    monkeypatch.setitem(NETWORKS, "unet_blind", orders.ENTRY["unet_blind"])
    return orders.BlindSpots(specs.complete(Network(name="unet_blind", width=4, depth=2)))


def test_without_gradients_every_pixel_is_predicted_from_others(blind: orders.BlindSpots) -> None:
    torch.manual_seed(0)
    images = torch.randn(1, 5, 8, 12)
    with torch.no_grad():
        # A new network returns what it is given: the means of the neighbours.
        kernel = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12
        means = convolve(images[0, 2].numpy(), kernel, mode="nearest")
        np.testing.assert_allclose(blind(images)[0, 0], means, atol=1e-6)
        torch.nn.init.normal_(blind.network.head.weight)
        before = blind(images)
        images[0, 2, 3, 6] += 10
        after = blind(images)
    assert after[0, 0, 3, 6] == pytest.approx(float(before[0, 0, 3, 6]), abs=1e-5)
    assert abs(after - before).max() > 0.1


def test_training_predicts_another_grid_at_each_step(blind: orders.BlindSpots) -> None:
    images = torch.randn(1, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    predicted = [(blind(images)[0, 0] != images[0, 2]).numpy() for _ in range(orders.SPACING**2)]
    assert [int(spots.sum()) for spots in predicted] == 16 * [4]
    assert np.all(np.sum(predicted, axis=0) == 1)


def test_denoised_sinograms_are_put_together_again(
    scan: simulated.Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchanged(written: list[Sections], _: float) -> FloatArray:
        assert written[0].visible.all()
        return written[1].read(*simulated.JUDGED)[:, 0]

    monkeypatch.setattr(orders, "noise2self", unchanged)
    result = orders.denoised_first(scan, 0, tmp_path)
    np.testing.assert_allclose(result, simulated.full(scan, simulated.JUDGED), atol=1e-5)


def test_a_volume_is_its_own_target(scan: simulated.Scan, tmp_path: Path) -> None:
    trained, every = orders.write(tmp_path, scan.truth[None])
    (role,) = trained.split.roles
    assert role.inputs == role.targets == (0,)
    np.testing.assert_allclose(trained.mixing(role.inputs), [1])
    np.testing.assert_array_equal(every.read(0, simulated.ROWS)[0, 0], scan.truth)
    assert trained.depth == 14
