"""A network in one module: a stack of convolutions that predicts the noise of the middle image."""

from torch import Tensor, nn

from tomodenoise.networks.registry import Network
from tomodenoise.networks.specs import Spec


class Plain(nn.Module):
    """`depth` convolutions of `width` channels and a residual; for scans of one channel."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.middle = spec.inputs // 2
        layers: list[nn.Module] = [nn.Conv2d(spec.inputs, spec.width, 3, padding=1), nn.ReLU()]
        for _ in range(spec.depth - 2):
            layers += [nn.Conv2d(spec.width, spec.width, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(spec.width, spec.channels, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, images, y, x) to (n, 1, y, x)."""
        noise: Tensor = self.layers(images)
        return images[:, self.middle : self.middle + 1] - noise


# The entry for `NETWORKS` in networks/registry.py. Once the module lies in networks/plain.py,
# "add_network:Plain" becomes "tomodenoise.networks.plain:Plain".
ENTRY = {
    "plain": Network(
        "add_network:Plain",
        width=32,
        depth=8,
        deepest=50,
        reach=lambda spec: spec.depth,  # each convolution looks one pixel far
        floats=lambda spec: spec.inputs + 2 * spec.width,
        operations=lambda spec: 18.0 * spec.width * (spec.inputs + spec.width * (spec.depth - 2) + 1),
    )
}
