"""Networks from a small specification that is kept with the model."""

from dataclasses import dataclass

from torch import nn

from tomodenoise.networks import unet


@dataclass(frozen=True)
class Spec:
    """What it takes to build a network again."""

    name: str = "unet"
    slices: int = 5
    """Adjacent slices in, the middle one out; odd."""
    width: int = 16
    """Channels at full resolution."""
    depth: int = 4
    """Number of resolutions."""


def build(spec: Spec) -> nn.Module:
    """Build a network that maps (n, slices, y, x) to (n, 1, y, x), y and x multiples of `multiple`."""
    return unet.build(spec.slices, spec.width, spec.depth)


def reach(spec: Spec) -> int:
    """Give the distance in pixels beyond which an input cannot change an output: the halo of exact tiles."""
    return unet.reach(spec.depth)


def multiple(spec: Spec) -> int:
    """Give the grid, in pixels, that the network pools on: sizes and tile origins are multiples of it."""
    return unet.multiple(spec.depth)
