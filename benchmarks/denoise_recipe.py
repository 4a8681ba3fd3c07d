"""The 2.5-D network and the loss of the `denoise` package, for comparison.

After its source, the repository AISDC/Noise2Inverse360 at d25ecfe: with the same weights the outputs of the networks
are equal to the bit, and the contrast losses to 1e-7. The network is an encoder and a decoder without skips between
them: 5 slices, a 1x1 convolution to 16 channels, then 64/128/256, 256, 128/64/64, 32 and 1, two 3x3 convolutions at
each resolution but one at the coarsest, group normalisation with 8 channels per group, LeakyReLU of slope 0.1.

Gradients are clipped at 1.0 there and here. What else differs is the benchmark's: the package shows each patch in both
directions in one step, and here they take turns, as all roles do; it scales each half by its own mean and deviation,
and keeps the learning rate at 0.001 on batches of 32 patches of 256 x 256.
"""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec

WARM_UP = 2000
"""The last step, counted from 0, at which the local contrast does not count."""

CONTRAST_WEIGHT = 0.01
CONTRAST_QUANTILE = 0.8

SLOPE = 0.1

GROUP = 8
"""Channels that are normalised together, over the whole image; all of them if their number is no multiple of 8."""


class UNetNoSkip(nn.Module):
    """Encoder and decoder of ``depth`` resolutions, connected at the coarsest one only."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        down = [max(spec.width // 4, 1), *(spec.width * min(2**level, 4) for level in range(spec.depth))]
        up = [down[-1], *(max(width // 2, spec.width) for width in reversed(down[1:-1]))]
        last = max(spec.width // 2, 1)
        self.first = _block(spec.inputs, down[0], 1)
        self.encoders = nn.ModuleList(_twice(i, o) for i, o in itertools.pairwise(down[:-1]))
        self.coarsest = _block(down[-2], down[-1], 3)
        self.decoders = nn.ModuleList(_twice(i, o) for i, o in itertools.pairwise(up))
        self.last = nn.Sequential(_block(up[-1], last, 1), nn.Conv2d(last, spec.channels, 1))

    def forward(self, stack: Tensor) -> Tensor:
        """Map (n, images, y, x) to (n, channels, y, x)."""
        features = self.first(stack)
        for encoder in self.encoders:
            features = functional.max_pool2d(encoder(features), 2)
        features = self.coarsest(features)
        for decoder in self.decoders:
            features = decoder(functional.interpolate(features, scale_factor=2.0, mode="nearest"))
        result: Tensor = self.last(features)
        return result


def contrast(images: Tensor) -> Tensor:
    """Return the local contrast loss of images (n, 1, y, x).

    mean(L <= q) / (mean(L > q) + 1e-6), with L the magnitude of the five-point Laplacian, zero beyond the border, q its
    0.8 quantile in each image, and the means over all images: small for few, strong edges on a flat background.
    """
    kernel = images.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).reshape(1, 1, 3, 3)
    edges = functional.conv2d(images.float(), kernel.float(), padding=1).abs().flatten(1)
    low = edges <= torch.quantile(edges.detach(), CONTRAST_QUANTILE, dim=1, keepdim=True)
    means = [(edges * side).sum() / side.sum().clamp(min=1) for side in (low, ~low)]
    return means[0] / (means[1] + 1e-6)


def loss(prediction: Tensor, target: Tensor, mask: Tensor, iteration: int) -> Tensor:
    """Sum the absolute errors of each patch, and add its share of the local contrast loss: (n,)."""
    errors = ((prediction.float() - target).abs() * mask).flatten(1).sum(1)
    if iteration <= WARM_UP:
        return errors
    return errors + CONTRAST_WEIGHT * contrast(prediction) * mask[0].numel()


def _twice(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(_block(channels, out, 3), _block(out, out, 3))


def _block(channels: int, out: int, size: int) -> nn.Sequential:
    groups = out // GROUP if out % GROUP == 0 else 1
    return nn.Sequential(
        nn.Conv2d(channels, out, size, padding=size // 2), nn.GroupNorm(groups, out), nn.LeakyReLU(SLOPE)
    )


# For the registry. It takes fewer operations than a U-Net, as it has no skips; its normalisation sees the whole image.
ENTRY = {
    "unet_noskip": replace(
        NETWORKS["unet"], module="benchmarks.denoise_recipe:UNetNoSkip", width=64, reach=lambda spec: None
    )
}
