"""What inference relies on: the receptive field, no normalisation, and the identity to start from."""

import pytest
import torch

from tomodenoise import networks
from tomodenoise.networks import Spec


def random_network(spec: Spec) -> torch.nn.Module:
    torch.manual_seed(0)
    network = networks.build(spec)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


def test_a_new_network_is_the_identity_on_the_middle_slice() -> None:
    stack = torch.randn(2, 5, 32, 32)
    torch.testing.assert_close(networks.build(Spec())(stack), stack[:, 2:3])


def test_the_default_is_as_small_as_the_method_says() -> None:
    assert sum(parameter.numel() for parameter in networks.build(Spec()).parameters()) < 320_000


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_nothing_beyond_its_reach_changes_an_output(depth: int) -> None:
    spec = Spec(slices=1, width=3, depth=depth)
    network, reach = random_network(spec), networks.reach(spec)
    size = -(-(2 * reach + 24) // 8) * 8
    stack = torch.randn(1, 1, size, size)
    middle = size // 2
    disturbed = stack.clone()
    near = torch.zeros(size, size, dtype=torch.bool)
    near[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1] = True
    disturbed[0, 0][~near] += 100.0
    with torch.no_grad():
        before, after = network(stack)[0, 0, middle, middle], network(disturbed)[0, 0, middle, middle]
    torch.testing.assert_close(before, after, rtol=0, atol=1e-6)


def test_the_whole_reach_is_less_than_three_times_what_is_needed() -> None:
    spec = Spec(slices=1, width=2, depth=3)
    network, size = random_network(spec), 160
    stack = torch.zeros(1, 1, size, size, requires_grad=True)
    network(stack)[0, 0, size // 2, size // 2].backward()
    assert stack.grad is not None
    seen = stack.grad[0, 0].nonzero()
    assert networks.reach(spec) < 3 * int((seen - size // 2).abs().max())


@pytest.mark.parametrize("spec", [Spec(slices=1), Spec(slices=3, width=5, depth=2), Spec(slices=7, width=1, depth=5)])
def test_any_slices_width_and_depth_build(spec: Spec) -> None:
    size = 2 * networks.multiple(spec)
    assert random_network(spec)(torch.randn(1, spec.slices, size, size)).shape == (1, 1, size, size)
