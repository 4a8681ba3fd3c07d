"""The networks by name. To add one, write its torch module and its entry in `NETWORKS`.

Torch is imported when a network is built: jobs are planned from these records alone.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle, islice, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from tomodenoise.networks.specs import Spec


@dataclass(frozen=True)
class Network:
    """A kind of network: its defaults, and the cost of a pass."""

    module: str
    """Import path of the torch module, ``package.module:Class``; the class takes a `Spec`."""
    width: int
    """Default number of channels."""
    depth: int
    """Default number of resolutions, or of layers."""
    deepest: int
    """Largest depth that a user may set."""
    reach: Callable[[Spec], int | None]
    """Distance in pixels beyond which an input cannot change an output: the halo of exact tiles.

    None where an output depends on the whole image.
    """
    floats: Callable[[Spec], int]
    """Numbers of 4 bytes that a pass holds for each pixel or voxel of its window; measured, rounded up."""
    operations: Callable[[Spec], float]
    """Floating-point operations of the convolutions per pixel or voxel of a pass."""
    multiple: Callable[[Spec], int] = lambda spec: 1
    """Pooling grid in pixels: sizes and tile origins are multiples of it."""
    slices: int = 5
    """Default number of slices that it sees; 1 for a volumetric network, which sees cubes."""
    dimensions: tuple[int, ...] = (2,)
    """Of its convolutions: those that a user may set, the default first."""
    dilations: tuple[int, ...] = ()
    """Default dilations of its layers; empty for a network without dilations."""
    continues_itself: bool = False
    """True if the network itself continues an image beyond its border, so that tiles must end there."""

    @property
    def defaults(self) -> dict[str, Any]:
        """Values for the keys of a `Spec` that the configuration leaves out."""
        values = {"slices": self.slices, "width": self.width, "depth": self.depth, "dimensions": self.dimensions[0]}
        return values | ({"dilations": self.dilations} if self.dilations else {})

    def takes(self, key: str) -> bool:
        """Return whether a user may set a key of `Spec` for this network."""
        restricted = {
            "slices": 2 in self.dimensions,
            "dilations": bool(self.dilations),
            "dimensions": len(self.dimensions) > 1,
        }
        return restricted.get(key, True)


def build(spec: Spec) -> nn.Module:
    """Build a network with random weights from torch's generator.

    A 2-D network maps (n, slices x steps x channels, y, x) to (n, channels, y, x), the images grouped by slice; a
    volumetric one maps (n, steps x channels, z, y, x) to (n, channels, z, y, x). All lengths are multiples of
    `Network.multiple`.
    """
    network: nn.Module = pkgutil.resolve_name(NETWORKS[spec.name].module)(spec)
    return network


def _pooling_grid(spec: Spec) -> int:
    return int(2 ** (spec.depth - 1))


def _unet_reach(spec: Spec) -> int:
    """Add up two convolutions at each resolution on the way down and, except for the coarsest, on the way up.

    Each reaches one pixel of its resolution; pooling and its inverse shift by less than a coarsest pixel.
    """
    coarsest = _pooling_grid(spec)
    return 2 * (2 * coarsest - 1) + 2 * (coarsest - 1) + coarsest


def _unet_floats(spec: Spec) -> int:
    """Count up to eight times the channels at full resolution: skip, features from below, both joined, two results.

    Libraries round small numbers of channels up to 16.
    """
    return 2 * spec.inputs + 3 * (spec.channels - 1) + 8 * max(spec.width, 16)


def _unet_operations(spec: Spec) -> float:
    channels = [spec.width * min(1 << level, 4) for level in range(spec.depth)]
    down = [(0.5**spec.dimensions) ** level for level in range(spec.depth)]
    encoders = zip(down, [spec.inputs, *channels], channels, strict=False)
    decoders = zip(down, (fine + coarse for fine, coarse in pairwise(channels)), channels, strict=False)
    per_tap = sum(share * (inputs + out) * out for share, inputs, out in (*encoders, *decoders))
    return 2 * 3.0**spec.dimensions * per_tap


def _msd_reach(spec: Spec) -> int:
    return sum(islice(cycle(spec.dilations), spec.depth))


def _msd_floats(spec: Spec) -> int:
    """Count all channels, and the sums that form the taps."""
    sums = max(90, 27 * spec.width)
    return 4 * spec.inputs + 3 * (spec.channels - 1) + spec.width * spec.depth + sums


def _msd_operations(spec: Spec) -> float:
    seen = sum(spec.inputs + spec.width * layer for layer in range(spec.depth))
    return 2.0 * 3.0**spec.dimensions * spec.width * seen


_UNET = Network(
    "tomodenoise.networks.unet:UNet",
    width=16,
    depth=4,
    deepest=6,
    reach=_unet_reach,
    floats=_unet_floats,
    operations=_unet_operations,
    multiple=_pooling_grid,
)

NETWORKS: dict[str, Network] = {
    "unet": _UNET,
    "msd": Network(
        "tomodenoise.networks.msd:MixedScaleDense",
        width=1,
        depth=100,
        deepest=1000,
        reach=_msd_reach,
        floats=_msd_floats,
        operations=_msd_operations,
        dimensions=(2, 3),
        dilations=tuple(range(1, 11)),
        continues_itself=True,
    ),
    "unet3d": replace(_UNET, depth=3, deepest=5, slices=1, dimensions=(3,)),
}
