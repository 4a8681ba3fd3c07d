"""Networks from a small specification that is kept with the model."""

from torch import nn

from tomodenoise.networks.msd import MixedScaleDense
from tomodenoise.networks.specs import Spec
from tomodenoise.networks.unet import UNet
from tomodenoise.networks.unet_noskip import UNetNoSkip


def build(spec: Spec) -> nn.Module:
    """Build a network, its weights drawn from torch's generator.

    A 2-D network maps (n, slices x steps x channels, y, x) to (n, channels, y, x), all images of one slice after those
    of the other; a volumetric one maps (n, steps x channels, z, y, x) to (n, channels, z, y, x). All lengths are
    multiples of `specs.multiple`.
    """
    kinds = {"unet": UNet, "unet3d": UNet, "msd": MixedScaleDense, "unet_noskip": UNetNoSkip}
    return kinds[spec.name](spec)
