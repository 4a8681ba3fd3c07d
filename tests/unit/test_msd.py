"""The network in its buffer is the network of the paper: results and gradients against the plain definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from tomodenoise.networks import msd, registry, specs
from tomodenoise.networks.options import Network


def network_of(channels: int = 1, seed: int = 0, **values: object) -> msd.MixedScaleDense:
    torch.manual_seed(seed)
    network = registry.build(specs.complete(Network(name="msd", **values), channels))
    assert isinstance(network, msd.MixedScaleDense)
    for parameter in (network.biases, network.head, network.offset):
        torch.nn.init.normal_(parameter)
    return network


def plain(network: msd.MixedScaleDense, images: Tensor) -> Tensor:
    """Evaluate the paper's equations, concatenating, padding as NumPy does, and convolving."""
    dimensions = images.ndim - 2
    convolve = functional.conv2d if dimensions == 2 else functional.conv3d
    channels = images
    for weight, bias, dilation in zip(network.weights, network.biases, network.layers.dilations, strict=True):
        padded = channels
        for axis in range(2, images.ndim):
            index = np.pad(np.arange(images.shape[axis]), dilation, mode="symmetric")
            padded = padded.index_select(axis, torch.from_numpy(index))
        kernel = weight.permute(1, 2, 0).unflatten(-1, (3,) * dimensions)
        layer = convolve(padded, kernel, bias, dilation=dilation).relu()
        channels = torch.cat([channels, layer], dim=1)
    return convolve(channels, network.head[(..., *(None,) * dimensions)], network.offset)


def assert_same(network: msd.MixedScaleDense, images: Tensor, tolerance: float) -> None:
    images.requires_grad_()
    ours, theirs = network(images), plain(network, images)
    scale = float(theirs.detach().abs().max())
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance * scale)
    direction = torch.randn_like(ours)
    inputs = [images, *network.parameters()]
    for mine, other in zip(*(torch.autograd.grad(r, inputs, direction) for r in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance * float(other.abs().max()))


@settings(max_examples=40)
@given(
    dimensions=st.sampled_from([2, 3]),
    width=st.integers(1, 3),
    depth=st.integers(1, 14),
    channels=st.integers(1, 2),
    dilations=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    sizes=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
)
def test_results_and_gradients_are_those_of_the_plain_definition(
    dimensions: int, width: int, depth: int, channels: int, dilations: list[int], sizes: tuple[int, int, int]
) -> None:
    """Dilations longer than the image, single pixels and several layers in a block included."""
    shape = {"dimensions": dimensions, "width": width, "depth": depth, "dilations": dilations}
    network = network_of(channels, **shape, slices=3 if dimensions == 2 else 1).double()
    images = torch.randn(2, network.layers.inputs, *sizes[:dimensions], dtype=torch.float64)
    assert_same(network, images, 1e-9)


def test_the_papers_network_agrees_in_single_precision() -> None:
    network = network_of(slices=11)
    with torch.no_grad():
        images = torch.randn(1, 11, 25, 18)
        ours, theirs = network(images), plain(network, images)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5 * float(theirs.abs().max()))


def test_weights_are_drawn_as_wide_as_the_paper_says() -> None:
    torch.manual_seed(0)
    network = registry.build(specs.complete(Network(name="msd", slices=11)))
    drawn = torch.cat([weight.detach().flatten() for weight in network.weights])
    assert float(drawn.std()) == pytest.approx(np.sqrt(2 / (9 * (11 + 99) + 1)), rel=0.02)
    assert not network.biases.any()
    assert not network.head.any()
    assert not network.offset.any()


def test_bfloat16_computes_with_parameters_of_single_precision() -> None:
    network, images = network_of(slices=5, depth=20), torch.randn(1, 5, 24, 24)
    exact = network(images)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(images)
    assert rounded.dtype == torch.float32
    assert len(rounded.unique()) > 0.9 * rounded.numel()
    assert float((rounded - exact).detach().std()) < 0.02 * float(exact.detach().std())
    rounded.float().square().mean().backward()
    assert {parameter.grad.dtype for parameter in network.parameters() if parameter.grad is not None} == {torch.float32}


def test_training_lowers_the_loss() -> None:
    network = network_of(slices=1, depth=10)
    images = torch.randn(2, 1, 16, 16)
    target = functional.avg_pool2d(images, 3, 1, 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        loss = functional.mse_loss(network(images), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]
