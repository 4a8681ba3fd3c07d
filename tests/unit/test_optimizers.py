"""Muon makes orthogonal steps of matrices, and Adam has the other weights."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tomodenoise.networks import registry, specs
from tomodenoise.networks.options import Network
from tomodenoise.training import optimizers
from tomodenoise.training.options import Train

CPU = torch.device("cpu")


def network(name: str, channels: int = 1) -> nn.Module:
    return registry.build(specs.complete(Network(name=name), channels))


@given(st.integers(0, 99), st.lists(st.tuples(st.integers(2, 24), st.integers(2, 60)), min_size=1, max_size=5))
def test_steps_have_singular_values_near_one(seed: int, shapes: list[tuple[int, int]]) -> None:
    random = torch.Generator().manual_seed(seed)
    matrices = [torch.randn(shape, generator=random) for shape in shapes]
    # The random matrix's own values are spread; only those far below the largest stay small.
    for matrix, step in zip(matrices, optimizers.orthogonal(matrices), strict=True):
        before, after = torch.linalg.svdvals(matrix), torch.linalg.svdvals(step)
        assert step.shape == matrix.shape
        assert float(after.max()) < 1.25
        assert float(after[before > 0.05 * before.norm()].min()) > 0.6


@given(st.integers(0, 99))
def test_steps_have_the_directions_of_the_matrix(seed: int) -> None:
    matrix = torch.randn((6, 20), generator=torch.Generator().manual_seed(seed))
    (step,) = optimizers.orthogonal([matrix])
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inside = left.T @ step @ right.T
    np.testing.assert_allclose(inside - torch.diag(inside.diagonal()), 0, atol=1e-4)


def test_small_squares_give_what_the_published_iteration_gives() -> None:
    # Jordan's iteration, on X itself; one matrix has singular values over six decades.
    random = torch.Generator().manual_seed(0)
    matrices = [torch.randn((16, 45), generator=random), torch.randn((64, 40), generator=random)]
    matrices.append(matrices[0] * torch.logspace(0, -6, 45))
    for matrix, step in zip(matrices, optimizers.orthogonal(matrices), strict=True):
        x = matrix / matrix.norm()
        for _ in range(5):
            square = x @ x.T
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
        torch.testing.assert_close(step, x, atol=2e-3, rtol=0)


def test_a_gradient_of_zero_moves_nothing() -> None:
    (step,) = optimizers.orthogonal([torch.zeros(3, 9)])
    assert not step.any()


@pytest.mark.parametrize(("name", "matrices"), [("unet", True), ("unet3d", True), ("msd", False)])
def test_every_weight_has_one_optimiser(name: str, matrices: bool) -> None:
    weights = network(name)
    clock = optimizers.clock(CPU)
    parts = optimizers.build(weights, "muon", clock)
    held = [id(weight) for part in parts for group in part.param_groups for weight in group["params"]]
    assert sorted(held) == sorted(map(id, weights.parameters()))
    assert [isinstance(part, optimizers.Muon) for part in parts] == [False, True][: 1 + matrices]
    assert len(optimizers.build(weights, "adam", clock)) == 1


def test_the_rate_depends_on_the_optimiser_unless_it_is_given() -> None:
    unet, msd = network("unet"), network("msd")
    small, large = 2 * 96**2, 8 * 96**2
    assert optimizers.learning_rate(unet, Train(), 1, small) == 0.003
    assert optimizers.learning_rate(unet, Train(), 1, large) == 0.005
    assert optimizers.learning_rate(unet, Train(optimizer="adam"), 1, large) == 0.0015
    assert optimizers.learning_rate(unet, Train(), 5, large) == 0.0015
    assert optimizers.learning_rate(msd, Train(), 1, large) == 0.0015
    assert optimizers.learning_rate(unet, Train(learning_rate=0.01), 1, large) == 0.01


def test_auto_takes_muon_for_a_single_channel() -> None:
    assert optimizers.choose("auto", 1) == "muon"
    assert optimizers.choose("auto", 5) == "adam"
    assert optimizers.choose("adam", 1) == "adam"
    assert optimizers.choose("muon", 5) == "muon"


def test_a_step_has_the_size_of_one_of_adam() -> None:
    weight = nn.Parameter(torch.zeros(16, 5, 3, 3))
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    muon = optimizers.Muon([weight], optimizers.clock(CPU))
    muon.clock.rate.fill_(0.01)
    muon.step()
    # The root mean square of Adam's step is at most the learning rate, and about a fifth of it in a training.
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.2)


def test_adam_has_the_bits_of_torchs() -> None:
    random = torch.Generator().manual_seed(0)
    shapes = [(16, 5, 3, 3), (7,), (3, 33), (1,)]
    ours, theirs = ([nn.Parameter(torch.ones(shape)) for shape in shapes] for _ in range(2))
    clock = optimizers.clock(CPU)
    adam, reference = optimizers.Adam(ours, clock), torch.optim.Adam(theirs, betas=optimizers.BETAS)
    for step in range(40):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = torch.randn(own.shape, generator=random)
            other.grad = own.grad.clone()
        rate = 1e-3 * (1 + math.sin(step))
        reference.param_groups[0]["lr"] = rate
        clock.rate.fill_(rate)
        clock.step.add_(1)
        adam.step()
        reference.step()
        assert all(torch.equal(own, other) for own, other in zip(ours, theirs, strict=True))


def test_weights_stay_bounded_however_long_training_lasts() -> None:
    random = torch.Generator().manual_seed(0)
    weight = nn.Parameter(torch.randn(16, 5, 3, 3, generator=random))
    gradient = torch.randn(weight.shape, generator=random)
    muon = optimizers.Muon([weight], optimizers.clock(CPU))
    muon.clock.rate.fill_(0.5)
    for _ in range(300):
        weight.grad = gradient.clone()
        muon.step()
    # The decay takes away as much as a step of constant direction adds: singular values of 1.25 at most, scaled.
    largest = 1.25 * 0.2 * math.sqrt(45) / optimizers.DECAY
    assert float(torch.linalg.svdvals(weight.detach().flatten(1)).max()) < largest
