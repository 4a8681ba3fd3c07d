"""The 2.5-D network of the `denoise` package, for comparison: an encoder and a decoder without skips between them.

Known: the sequence of widths (5 slices, a 1x1 convolution to 16, then 64/128/256, 256, 128/64/64, 32 and 1), group
normalisation with 8 channels per group, LeakyReLU of slope 0.1, and the number of parameters, 2,375,809. Inferred: two
3x3 convolutions at each resolution but one at the coarsest, 1x1 convolutions to 32 and to 1, biases everywhere, and
normalisation after every convolution but the last; together they give this number. Assumed, as it has no parameters:
maximum pooling and bilinear interpolation, as in TomoGAN, whose widths have the same sequence [Liu et al., J. Opt. Soc.
Am. A 37 (2020) 422], and torch's initial weights.
"""

import itertools

from torch import Tensor, nn
from torch.nn import functional

from tomodenoise.networks.specs import Spec

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
            features = decoder(functional.interpolate(features, scale_factor=2.0, mode="bilinear"))
        result: Tensor = self.last(features)
        return result


def _twice(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(_block(channels, out, 3), _block(out, out, 3))


def _block(channels: int, out: int, size: int) -> nn.Sequential:
    groups = out // GROUP if out % GROUP == 0 else 1
    return nn.Sequential(
        nn.Conv2d(channels, out, size, padding=size // 2), nn.GroupNorm(groups, out), nn.LeakyReLU(SLOPE)
    )
