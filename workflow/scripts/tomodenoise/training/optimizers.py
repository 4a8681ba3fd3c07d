"""Optimisers: Muon for weights that are matrices, Adam for the rest.

Steps read whatever changes from one to the next from tensors at fixed addresses, so that a CUDA graph can hold them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tomodenoise.training.options import Train

BETAS = (0.9, 0.99)
"""Decay rates of Adam's moments. With torch's 0.999 the loss diverged at a peak of twice the default learning rate."""

FLOOR = 1e-8
"""Added to the root of Adam's second moment, which may be zero."""

MOMENTUM = 0.95
DECAY = 0.1
"""Share of the weights that a step takes away, relative to the learning rate [Liu et al., arXiv:2502.16982].

Without it weights grow as long as training lasts, and the network amplifies whatever it was not trained on: on the
demo it wrote up to 33 times the sample's largest value outside the field of view.
"""

STEPS = 5
TINY = 1e-7
"""Added to the norm of a matrix, which may be zero."""

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the polynomial that brings singular values towards 1 [Jordan et al. 2024]."""

ADAM_RATE = 0.0015
"""Peak learning rate, measured on foam."""

MUON_RATES = ((8 * 96**2, 0.005), (0, 0.003))
"""Peak learning rates for at least so many pixels in a step, measured on foam."""


@dataclass(frozen=True)
class Clock:
    """Numbers that change from step to step, float64 () on the device of the weights."""

    rate: Tensor
    """Learning rate; to be written before each step."""
    step: Tensor
    """Number of steps taken, this one included; to be counted before each step."""


def clock(device: torch.device) -> Clock:
    """Make a clock at zero."""
    return Clock(*torch.zeros(2, dtype=torch.float64, device=device).unbind())


def choose(kind: str, channels: int) -> str:
    """Replace "auto": Muon for one channel, Adam for several, where Muon loses at few counts [measured on XRD-CT]."""
    if kind != "auto":
        return kind
    return "muon" if channels == 1 else "adam"


def learning_rate(network: nn.Module, train: Train, channels: int, pixels: int) -> float:
    """Return the peak learning rate, where "auto" depends on the optimiser that the network's weights get.

    Parameters
    ----------
    channels : of the scans.
    pixels : number of pixels, or voxels, in a step.
    """
    if train.learning_rate != "auto":
        return float(train.learning_rate)
    if choose(train.optimizer, channels) == "adam" or not any(map(_is_matrix, network.parameters())):
        return ADAM_RATE
    return next(rate for fewest, rate in MUON_RATES if pixels >= fewest)


def build(network: nn.Module, kind: str, clock: Clock) -> list["Adam | Muon"]:
    """Make the optimisers of a network, each for a part of its weights.

    Parameters
    ----------
    kind : `muon`, which leaves biases and weights of a single row to Adam; or `adam`.
    """
    weights = list(network.parameters())
    matrices = [weight for weight in weights if kind == "muon" and _is_matrix(weight)]
    others = [weight for weight in weights if not any(weight is matrix for matrix in matrices)]
    return [*([Adam(others, clock)] if others else []), *([Muon(matrices, clock)] if matrices else [])]


class Adam(Optimizer):
    """Adam [Kingma & Ba 2015], with the bits of `torch.optim.Adam` on a CPU.

    That one reads rate and step on the host unless it is `capturable`, which works on GPUs only.
    """

    def __init__(self, weights: Sequence[nn.Parameter], clock: Clock) -> None:
        super().__init__(weights, {})
        self.clock = clock
        for weight in weights:
            self.state[weight] = {"exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update the weights by their gradients."""
        weights, gradients = _moving(self)
        first, second = ([self.state[weight][key] for weight in weights] for key in ("exp_avg", "exp_avg_sq"))
        torch._foreach_lerp_(first, gradients, 1 - BETAS[0])
        torch._foreach_mul_(second, BETAS[1])
        torch._foreach_addcmul_(second, gradients, gradients, 1 - BETAS[1])
        # Both moments start at zero, and so are too small at first.
        size = -self.clock.rate / (1 - BETAS[0] ** self.clock.step)
        known = (1 - BETAS[1] ** self.clock.step).sqrt()
        spread = torch._foreach_sqrt(second)
        torch._foreach_div_(spread, known.float())
        torch._foreach_add_(spread, FLOOR)
        torch._foreach_addcdiv_(weights, torch._foreach_mul(first, size.float()), spread)


class Muon(Optimizer):
    """Momentum whose steps are orthogonal matrices [Jordan et al. 2024; Liu et al., arXiv:2502.16982].

    A convolution's weight is a matrix (out, in x taps). Steps are scaled by 0.2 sqrt(max(rows, columns)), so that they
    have the size of Adam's at the same learning rate. `torch.optim.Muon` takes no weights of convolutions.
    """

    def __init__(self, weights: Sequence[nn.Parameter], clock: Clock) -> None:
        super().__init__(weights, {})
        self.clock = clock
        for weight in weights:
            self.state[weight] = {"momentum": torch.zeros_like(weight)}

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update the weights by their gradients."""
        weights, gradients = _moving(self)
        momenta = [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        # Nesterov's look ahead.
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        steps = orthogonal([matrix.flatten(1) for matrix in ahead])
        torch._foreach_mul_(weights, (1 - DECAY * self.clock.rate).float())
        for weight, step in zip(weights, steps, strict=True):
            size = 0.2 * math.sqrt(max(step.shape))
            weight.addcmul_(step.view_as(weight), (-self.clock.rate * size).float())


def orthogonal(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Bring the singular values of matrices near 1, mostly to between 0.7 and 1.2, by Newton-Schulz steps.

    Each step multiplies X from the left by a polynomial of X X^T. All these polynomials commute, so they are found
    from the small X X^T alone, for matrices with equally many rows together, and X is multiplied once.
    """
    wide = [matrix if len(matrix) <= matrix.shape[1] else matrix.T for matrix in matrices]
    results = list(wide)
    for rows in sorted({len(matrix) for matrix in wide}):
        numbers = [number for number, matrix in enumerate(wide) if len(matrix) == rows]
        squares = torch.stack([wide[number] @ wide[number].T for number in numbers])
        # The trace is the squared norm: all singular values are at most 1 then.
        norms = squares.diagonal(dim1=1, dim2=2).sum(1).sqrt()[:, None, None] + TINY
        factors = _polynomials(squares / norms**2) / norms
        for number, factor in zip(numbers, factors, strict=True):
            results[number] = factor @ wide[number]
    return [
        result if result.shape == given.shape else result.T for result, given in zip(results, matrices, strict=True)
    ]


def _polynomials(squares: Tensor) -> Tensor:
    """Return the product of the polynomials of all steps for each X X^T, (n, rows, rows)."""
    product = polynomial = _polynomial(squares)
    for _ in range(STEPS - 1):
        squares = polynomial @ squares @ polynomial
        polynomial = _polynomial(squares)
        product = polynomial @ product
    return product


def _polynomial(squares: Tensor) -> Tensor:
    a, b, c = COEFFICIENTS
    result = torch.baddbmm(squares, squares, squares, beta=b, alpha=c)
    result.diagonal(dim1=1, dim2=2).add_(a)
    return result


def _moving(optimizer: Optimizer) -> tuple[list[Tensor], list[Tensor]]:
    """Return the weights that have a gradient, and their gradients."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
    return weights, [weight.grad for weight in weights]


def _is_matrix(weight: Tensor) -> bool:
    """Return whether a weight is that of a convolution, (out, in, ...), with several rows; `msd` has other ones."""
    return weight.ndim >= 4 and len(weight) > 1
