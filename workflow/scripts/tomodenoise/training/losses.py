"""What training makes small: a value for each patch, so that it means the same on any number of ranks."""

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
"""Share of the budget before the local contrast counts."""

CONTRAST_WEIGHT = 0.01
CONTRAST_QUANTILE = 0.8


def contrast(images: Tensor) -> Tensor:
    """Local contrast loss (n,) of images (n, …, y, x), as the `denoise` package defines it.

    mean(L <= q) / (mean(L > q) + 1e-6), of the size L of the five-point Laplacian and its 0.8-quantile q: small
    where a flat background has few, strong edges. The means are those of L's values on either side.
    """
    kernel = images.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).reshape(1, 1, 3, 3)
    flat = images.float().reshape(-1, 1, *images.shape[-2:])
    size = functional.conv2d(flat, kernel.float()).abs().reshape(len(images), -1)
    low = size <= torch.quantile(size.detach(), CONTRAST_QUANTILE, dim=1, keepdim=True)
    means = [(size * side).sum(1) / side.sum(1).clamp(min=1) for side in (low, ~low)]
    return means[0] / (means[1] + 1e-6)


def each(name: str, prediction: Tensor, target: Tensor, mask: Tensor, progress: float) -> tuple[Tensor, Tensor]:
    """Loss of each patch.

    Parameters
    ----------
    prediction, target, mask : (n, channels, …); only pixels with mask 1 count.
    progress : share of the budget that is spent.

    Returns
    -------
    What to minimise, (n,), a sum over pixels divided by their number; and its part from the pixels' errors as a
    sum (n,), not divided.
    """
    # Sums in float32: a half-precision sum over a patch would lose its last digits.
    errors = (ERRORS[name](prediction.float(), target) * mask).flatten(1).sum(1)
    loss = errors / mask[0].numel()
    if name == "l1+lcl" and progress >= WARM_UP:
        loss = loss + CONTRAST_WEIGHT * contrast(prediction)
    return loss, errors.detach()
