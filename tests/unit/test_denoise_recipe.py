"""The recipe of the `denoise` package that the benchmarks compare with."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import denoise_recipe

from tomodenoise.networks import registry, specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec


@pytest.fixture
def spec(monkeypatch: pytest.MonkeyPatch) -> Spec:
    monkeypatch.setitem(NETWORKS, "unet_noskip", denoise_recipe.ENTRY["unet_noskip"])
    return specs.complete(Network(name="unet_noskip"))


def test_the_network_has_the_published_number_of_parameters(spec: Spec) -> None:
    network = registry.build(spec)
    assert sum(weight.numel() for weight in network.parameters()) == 2_375_809
    assert network(torch.zeros(2, 5, 16, 24)).shape == (2, 1, 16, 24)


def test_local_contrast_is_the_published_one() -> None:
    images = np.random.default_rng(1).normal(size=(4, 1, 12, 15))
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    sizes = [np.abs(convolve(image, kernel, mode="constant")) for image in images[:, 0]]
    low = [size <= np.quantile(size, 0.8) for size in sizes]
    sides = [np.concatenate([size[of == side] for size, of in zip(sizes, low, strict=True)]) for side in (True, False)]
    expected = sides[0].mean() / (sides[1].mean() + 1e-6)
    assert float(denoise_recipe.contrast(torch.from_numpy(images))) == pytest.approx(expected, rel=1e-4)


def test_local_contrast_counts_after_the_warm_up() -> None:
    prediction, target = torch.randn(2, 2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(target)
    before, after = (denoise_recipe.loss(prediction, target, mask, step) for step in (2000, 2001))
    torch.testing.assert_close(before, (prediction - target).abs().sum((1, 2, 3)))
    torch.testing.assert_close(after, before + 0.01 * 256 * denoise_recipe.contrast(prediction))


def test_a_blank_image_has_a_finite_local_contrast() -> None:
    blank = torch.zeros(1, 1, 8, 8, requires_grad=True)
    denoise_recipe.contrast(blank).backward()
    assert blank.grad is not None
    assert torch.isfinite(blank.grad).all()
