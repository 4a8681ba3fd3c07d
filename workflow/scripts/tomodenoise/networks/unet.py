"""A U-Net with skip connections, a residual from the centre slice and no normalisation layers.

After Ronneberger, Fischer & Brox (MICCAI 2015), convolved with zero padding. Without normalisation layers
each output depends on a bounded neighbourhood alone, so that tiles can be exact, and the level of grey is
kept: both are what group or batch normalisation lose.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1


class UNet(nn.Module):
    """Encoder and decoder of ``depth`` resolutions, two 3x3 convolutions each, with concatenated skips."""

    def __init__(self, slices: int, width: int, depth: int) -> None:
        super().__init__()
        channels = [width * min(2**level, 4) for level in range(depth)]
        self.encoders = nn.ModuleList(_twice(i, o) for i, o in zip([slices, *channels], channels, strict=False))
        self.decoders = nn.ModuleList(
            _twice(channels[level] + channels[level + 1], channels[level]) for level in reversed(range(depth - 1))
        )
        self.head = nn.Conv2d(width, 1, 1)
        # The network starts as the identity on the centre slice, from where it learns what to take away.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, stack: Tensor) -> Tensor:
        """Map (n, slices, y, x) to (n, 1, y, x)."""
        middle = stack.shape[1] // 2
        skips = [self.encoders[0](stack)]
        for encoder in self.encoders[1:]:
            skips.append(encoder(functional.avg_pool2d(skips[-1], 2)))
        features = skips.pop()
        for decoder in self.decoders:
            features = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = decoder(torch.cat([skips.pop(), features], dim=1))
        correction: Tensor = self.head(features)
        return stack[:, middle : middle + 1] + correction


def build(slices: int, width: int, depth: int) -> nn.Module:
    """Build the network with He-initialised weights, drawn from torch's generator."""
    return UNet(slices, width, depth)


def multiple(depth: int) -> int:
    """Give the size of the pixels of the coarsest resolution."""
    return int(2 ** (depth - 1))


def reach(depth: int) -> int:
    """Bound the receptive field: each 3x3 convolution looks one pixel of its resolution far.

    Two convolutions at each resolution on the way down and, but for the coarsest, on the way up; pooling and
    its inverse shift by less than a coarsest pixel.
    """
    coarsest = multiple(depth)
    return 2 * (2 * coarsest - 1) + 2 * (coarsest - 1) + coarsest


def _twice(channels: int, out: int) -> nn.Sequential:
    layers = nn.Sequential(
        nn.Conv2d(channels, out, 3, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(out, out, 3, padding=1),
        nn.LeakyReLU(SLOPE),
    )
    for convolution in (layers[0], layers[2]):
        nn.init.kaiming_normal_(convolution.weight, SLOPE)  # type: ignore[arg-type]
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return layers
