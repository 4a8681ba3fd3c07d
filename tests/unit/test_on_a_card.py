"""Networks, training and inference on a graphics card give what a processor gives, within the error of bfloat16."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch

from tomodenoise.common import devices
from tomodenoise.denoising import inference
from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.networks.specs import Spec
from tomodenoise.storage.sections import Sections
from tomodenoise.training import distributed, loop, tasks
from tomodenoise.training.options import Train

pytestmark = pytest.mark.gpu
NETWORKS = ("unet", "unet3d", "msd")
BFLOAT16 = 0.03
"""Largest error of a network relative to its result: eight bits, over a few dozen layers."""


@pytest.fixture
def card() -> Iterator[torch.device]:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    yield torch.device("cuda")
    torch.cuda.empty_cache()


def network(name: str) -> tuple[Spec, torch.nn.Module]:
    """Build a network, the same each time; what starts at zero gets values, as after a training."""
    spec = specs.complete(Network.model_validate({"name": name}))
    torch.manual_seed(0)
    built = registry.build(spec)
    with torch.no_grad():
        for weights in built.parameters():
            if not weights.any():
                weights.normal_(0, 0.1)
    return spec, built


def images(spec: Spec) -> torch.Tensor:
    """Return an input as large as those of inference: cuDNN chooses other algorithms for small ones."""
    torch.manual_seed(1)
    return torch.randn(1, spec.inputs, *(3 * [96] if spec.volumetric else [256, 256]))


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the error of one relative to the other, root mean square."""
    other = other.detach().double().cpu()
    return float((one.detach().double().cpu() - other).square().mean().sqrt() / other.std())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_bfloat16_is_close_to_one_in_float32(name: str, card: torch.device) -> None:
    spec, ours = network(name)
    seen = images(spec)
    with torch.no_grad():
        expected = ours(seen)
        ours = ours.to(card)
        with devices.autocast(card):
            result = ours(devices.arranged(seen.to(card)))
    assert torch.isfinite(result).all()
    assert apart(result, expected) < BFLOAT16


@pytest.mark.parametrize("name", NETWORKS)
def test_its_gradients_point_where_those_in_float32_do(name: str, card: torch.device) -> None:
    spec, ours = network(name)
    edges = [48, 48, 48] if spec.volumetric else [96, 96]
    seen = torch.randn(2, spec.inputs, *edges)

    def gradient(device: torch.device) -> torch.Tensor:
        there = copy.deepcopy(ours).to(device)
        with devices.autocast(device):
            result = there(devices.arranged(seen.to(device)))
        (result.float() - 1).square().mean().backward()
        return torch.cat([weights.grad.flatten().cpu() for weights in there.parameters() if weights.grad is not None])

    cosine = torch.nn.functional.cosine_similarity(gradient(card), gradient(torch.device("cpu")), dim=0)
    assert float(cosine) > 0.99


@pytest.fixture
def scan(tmp_path: Path) -> Sections:
    return scans_on_disk.write(tmp_path / "scan", scans_on_disk.blobs(16, 64))


def test_training_on_a_card_learns_what_it_learns_on_a_processor(scan: Sections, card: torch.device) -> None:
    spec = specs.complete(Network(name="unet", slices=3))
    settings = Train(pixels=60 * 4 * 32**2, batch=4, patch=32, evaluations=2)
    losses = []
    for device in (card, torch.device("cpu")):
        lines: list[float] = []
        task = tasks.Task([scan], spec, settings, {})
        loop.train(task, distributed.alone(device), lambda history, _: lines.append(history[-1].held_out_loss))  # noqa: B023
        losses.append(lines[-1])
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_inference_on_a_card_gives_what_a_processor_gives(name: str, scan: Sections, card: torch.device) -> None:
    spec, ours = network(name)
    volumes = []
    for device in (torch.device("cpu"), card):
        order = devices.memory_format(volumetric=spec.volumetric)
        there = copy.deepcopy(ours).to(device, memory_format=order).eval()  # type: ignore[call-overload]
        model = Model(there, spec, Normalisation((0.0,), (1.0,)), {})
        volumes.append(np.stack([after for _, after in inference.denoise(model, scan, (0, scan.depth))]))
    assert apart(*map(torch.from_numpy, volumes[::-1])) < BFLOAT16
