"""Training losses, one value per patch, so that they are independent of the number of ranks."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

Errors = Callable[[Tensor, Tensor], Tensor]

ERRORS: Mapping[str, Errors] = {
    "mse": lambda prediction, target: (prediction - target).square(),
    "l1": lambda prediction, target: (prediction - target).abs(),
    "l1+lcl": lambda prediction, target: (prediction - target).abs(),
}
"""Error of each pixel, by the name of the loss."""

WARM_UP = 0.1
"""Share of the budget after which the local contrast counts."""

CONTRAST_WEIGHT = 0.01
CONTRAST_QUANTILE = 0.8


def contrast(images: Tensor) -> Tensor:
    """Compute the local contrast loss (n,) of images (n, …, y, x), as the `denoise` package defines it.

    mean(L <= q) / (mean(L > q) + 1e-6), with L the magnitude of the five-point Laplacian, q its 0.8 quantile, and the
    means over the values of L on either side: small for few, strong edges on a flat background.
    """
    kernel = images.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).reshape(1, 1, 3, 3)
    flat = images.float().reshape(-1, 1, *images.shape[-2:])
    edges = functional.conv2d(flat, kernel.float()).abs().reshape(len(images), -1)
    low = edges <= torch.quantile(edges.detach(), CONTRAST_QUANTILE, dim=1, keepdim=True)
    means = [(edges * side).sum(1) / side.sum(1).clamp(min=1) for side in (low, ~low)]
    return means[0] / (means[1] + 1e-6)


def per_patch(name: str, prediction: Tensor, target: Tensor, mask: Tensor, progress: float) -> tuple[Tensor, Tensor]:
    """Compute the loss of each patch.

    Parameters
    ----------
    prediction, target, mask : (n, channels, …); only pixels with mask 1 count.
    progress : share of the budget that is spent.

    Returns
    -------
    The loss (n,) to minimise, a sum over pixels divided by their number; and the undivided sum (n,) of the pixels'
    errors.
    """
    # Sum in float32: a half-precision sum over a patch loses precision.
    errors = (ERRORS[name](prediction.float(), target) * mask).flatten(1).sum(1)
    loss = errors / mask[0].numel()
    if name == "l1+lcl" and progress >= WARM_UP:
        loss = loss + CONTRAST_WEIGHT * contrast(prediction)
    return loss, errors.detach()
