"""Optimisers: Muon for weights that are matrices, Adam for the rest."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

BETAS = (0.9, 0.99)
"""Decay rates of Adam's moments. With torch's 0.999 the loss diverged at a peak of twice the default learning rate."""

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
"""Of the polynomial that brings singular values towards 1 [Jordan et al. 2024]."""

ADAM_RATE = 0.0015
"""Peak learning rate, measured on foam."""

MUON_RATES = ((8 * 96**2, 0.005), (0, 0.003))
"""Peak learning rates for at least so many pixels in a step, measured on foam."""


def choose(kind: str, channels: int) -> str:
    """Replace "auto": Muon for one channel, Adam for several, where Muon loses at few counts [measured on XRD-CT]."""
    if kind != "auto":
        return kind
    return "muon" if channels == 1 else "adam"


def learning_rate(network: nn.Module, kind: str, wanted: float | str, pixels: int) -> float:
    """Return the peak learning rate, where "auto" depends on the optimiser that the network's weights get.

    Parameters
    ----------
    kind : `muon` or `adam`.
    pixels : number of pixels, or voxels, in a step.
    """
    if wanted != "auto":
        return float(wanted)
    if kind == "adam" or not any(map(_is_matrix, network.parameters())):
        return ADAM_RATE
    return next(rate for fewest, rate in MUON_RATES if pixels >= fewest)


def build(network: nn.Module, kind: str) -> list[Optimizer]:
    """Make the optimisers of a network, each for a part of its weights.

    Parameters
    ----------
    kind : `muon`, which leaves biases and weights of a single row to Adam; or `adam`.
    """
    weights = list(network.parameters())
    matrices = [weight for weight in weights if kind == "muon" and _is_matrix(weight)]
    others = [weight for weight in weights if not any(weight is matrix for matrix in matrices)]
    adam = [Adam(others, betas=BETAS, fused=others[0].device.type == "cuda")] if others else []
    return [*adam, *([Muon(matrices)] if matrices else [])]


class Muon(Optimizer):
    """Momentum whose steps are orthogonal matrices [Jordan et al. 2024; Liu et al., arXiv:2502.16982].

    A convolution's weight is a matrix (out, in x taps). Steps are scaled by 0.2 sqrt(max(rows, columns)), so that they
    have the size of Adam's at the same learning rate. `torch.optim.Muon` takes no weights of convolutions.
    """

    def __init__(self, weights: Iterable[nn.Parameter]) -> None:
        super().__init__(weights, {"lr": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update the weights by their gradients."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            for weight, step in zip(weights, orthogonal([self._ahead(weight) for weight in weights]), strict=True):
                size = 0.2 * math.sqrt(max(step.shape))
                weight.mul_(1 - DECAY * group["lr"])
                weight.add_(step.view_as(weight), alpha=-group["lr"] * size)

    def _ahead(self, weight: nn.Parameter) -> Tensor:
        """Update the momentum of a weight, and look ahead as Nesterov does: (rows, columns)."""
        state = self.state[weight]
        momentum: Tensor = state.setdefault("momentum", torch.zeros_like(weight))
        gradient: Tensor = weight.grad  # type: ignore[assignment]
        momentum.lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM).flatten(1)


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


def _is_matrix(weight: Tensor) -> bool:
    """Return whether a weight is that of a convolution, (out, in, ...), with several rows; `msd` has other ones."""
    return weight.ndim >= 4 and len(weight) > 1
