"""Guarantees for training and inference: shapes, sizes, the receptive field, and the initial network."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tomodenoise.networks import registry, specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec


def spec_of(name: str, channels: int = 1, **values: Any) -> Spec:  # noqa: ANN401 - of the configuration
    return specs.complete(Network(name=name, **values), channels)


def random_network(spec: Spec) -> torch.nn.Module:
    torch.manual_seed(0)
    network = registry.build(spec)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


def images(spec: Spec, *shape: int) -> Tensor:
    return torch.randn(2, spec.inputs, *shape, generator=torch.Generator().manual_seed(1))


def parameters(spec: Spec) -> int:
    return sum(parameter.numel() for parameter in registry.build(spec).parameters())


EVERY = [
    spec_of("unet"),
    spec_of("unet", channels=3, slices=3, width=5, depth=2),
    spec_of("unet", slices=7, width=1, depth=5),
    spec_of("unet", slices=1, depth=1),
    spec_of("unet3d", width=3),
    spec_of("unet3d", channels=2, width=2, depth=2),
    spec_of("msd", depth=12),
    spec_of("msd", channels=3, slices=3, width=2, depth=5, dilations=[1, 7]),
    spec_of("msd", channels=2, dimensions=3, depth=4),
]
NAMES = [f"{spec.name}-{spec.channels}-{spec.depth}" for spec in EVERY]


@pytest.mark.parametrize("spec", EVERY, ids=NAMES)
def test_every_network_takes_any_multiple_of_its_grid(spec: Spec) -> None:
    grid = NETWORKS[spec.name].multiple(spec)
    shape = (grid, 2 * grid, 3 * grid)[-spec.dimensions :]
    network, stack = random_network(spec), images(spec, *shape)
    result = network(stack)
    assert result.shape == (2, spec.channels, *shape)
    torch.testing.assert_close(network(stack[1:]), result[1:], rtol=1e-4, atol=1e-4 * float(result.detach().std()))
    result.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("spec", EVERY, ids=NAMES)
def test_the_order_in_memory_changes_no_result(spec: Spec) -> None:
    grid = NETWORKS[spec.name].multiple(spec)
    network, stack = random_network(spec), images(spec, *(2 * grid,) * spec.dimensions)
    before = network(stack)
    order = torch.channels_last_3d if spec.volumetric else torch.channels_last
    after = network.to(memory_format=order)(stack.contiguous(memory_format=order))  # type: ignore[call-overload]
    torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-4 * float(before.detach().std()))


@pytest.mark.parametrize("spec", [spec for spec in EVERY if spec.name in {"unet", "unet3d"}])
def test_a_new_unet_is_the_identity_or_zero_with_several_channels(spec: Spec) -> None:
    stack = images(spec, *(16,) * spec.dimensions)
    middle = stack.unflatten(1, (spec.slices, spec.channels))[:, spec.slices // 2]
    torch.testing.assert_close(registry.build(spec)(stack), middle if spec.channels == 1 else 0 * middle)


def test_a_new_msd_gives_nothing() -> None:
    spec = spec_of("msd", depth=3)
    assert not registry.build(spec)(images(spec, 7, 9)).any()


def test_sizes_are_those_of_the_method() -> None:
    assert parameters(spec_of("unet")) < 320_000
    assert parameters(spec_of("msd", slices=11)) == 54_662
    assert parameters(spec_of("msd", slices=1, channels=11)) == 55_782


REACHING = [
    spec_of("unet", slices=1, width=3, depth=1),
    spec_of("unet", slices=1, width=3, depth=2),
    spec_of("unet", slices=1, width=3, depth=3),
    spec_of("unet3d", width=2, depth=2),
    spec_of("msd", slices=1, depth=5, dilations=[1, 3]),
    spec_of("msd", dimensions=3, depth=3, dilations=[2, 1]),
]


def middle_sees(spec: Spec, size: int) -> int:
    """Distance of the farthest pixel that changes the middle one."""
    stack = images(spec, *(size,) * spec.dimensions)[:1].requires_grad_()
    random_network(spec)(stack)[(0, 0, *(size // 2,) * spec.dimensions)].backward()
    assert stack.grad is not None
    return int((stack.grad[0, 0].nonzero() - size // 2).abs().max())


@pytest.mark.parametrize("spec", REACHING)
def test_the_reach_of_a_network_is_exact(spec: Spec) -> None:
    reach = NETWORKS[spec.name].reach(spec)
    assert reach is not None
    seen = middle_sees(spec, -(-(2 * reach + 9) // 8) * 8)
    assert seen <= reach < 3 * seen + 3
