"""U-Nets with skip connections, a residual from the centre slice and no normalisation layers; 2-D and volumetric.

After Ronneberger, Fischer & Brox (MICCAI 2015) and Çiçek et al. (MICCAI 2016), with zero padding. Without
normalisation layers each output depends on a bounded neighbourhood only, so tiles are exact, and grey levels are
preserved. Group or batch normalisation would lose both.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tomodenoise.networks.specs import Spec

SLOPE = 0.1


class UNet(nn.Module):
    """Encoder and decoder of ``depth`` resolutions, two convolutions each, with concatenated skips.

    With several channels there is no residual: the last features would have to hold the noise of all channels, which
    is more than their width allows. The structure that channels share is less.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        convolution, self.pool = (
            (nn.Conv3d, functional.avg_pool3d) if spec.volumetric else (nn.Conv2d, functional.avg_pool2d)
        )
        channels = [spec.width * min(2**level, 4) for level in range(spec.depth)]
        self.encoders = nn.ModuleList(
            _twice(convolution, i, o) for i, o in zip([spec.inputs, *channels], channels, strict=False)
        )
        self.decoders = nn.ModuleList(
            _twice(convolution, channels[level] + channels[level + 1], channels[level])
            for level in reversed(range(spec.depth - 1))
        )
        self.head = convolution(spec.width, spec.channels, 1)
        # With a residual the network starts as the identity on the centre slice, and learns what to subtract.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, stack: Tensor) -> Tensor:
        """Map (n, images, y, x) to (n, channels, y, x), or (n, images, z, y, x) to (n, channels, z, y, x)."""
        skips = [self.encoders[0](stack)]
        for encoder in self.encoders[1:]:
            skips.append(encoder(self.pool(skips[-1], 2)))
        features = skips.pop()
        for decoder in self.decoders:
            features = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = decoder(torch.cat([skips.pop(), features], dim=1))
        result: Tensor = self.head(features)
        middle = self.spec.inputs // 2
        return result if self.spec.channels > 1 else stack[:, middle : middle + 1] + result


def _twice(convolution: type[nn.Conv2d] | type[nn.Conv3d], channels: int, out: int) -> nn.Sequential:
    layers = nn.Sequential(
        convolution(channels, out, 3, padding=1),
        nn.LeakyReLU(SLOPE),
        convolution(out, out, 3, padding=1),
        nn.LeakyReLU(SLOPE),
    )
    for layer in (layers[0], layers[2]):
        nn.init.kaiming_normal_(layer.weight, SLOPE)  # type: ignore[arg-type]
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layers
