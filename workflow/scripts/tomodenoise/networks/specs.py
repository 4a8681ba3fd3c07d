"""The specification of a network in plain numbers: enough to build it, shape its input and plan its jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomodenoise.common.errors import UserError
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS


@dataclass(frozen=True)
class Spec:
    """Everything that is needed to rebuild a network."""

    name: str
    slices: int
    """Adjacent slices in, the middle one out; odd. 1 for a volumetric network, which sees cubes."""
    width: int
    """Channels at full resolution, or of each layer of `msd`."""
    depth: int
    """Number of resolutions, or of layers of `msd`."""
    dimensions: int
    """Of the convolutions: 2, or 3 for a volumetric network."""
    dilations: tuple[int, ...] = ()
    """Of the layers of `msd`, repeated cyclically; no other network has them."""
    channels: int = 1
    """Measured channels, both in and out."""
    steps: int = 1
    """Consecutive time steps in, the middle one out; odd."""

    @property
    def inputs(self) -> int:
        """Number of input images: slices x time steps x channels."""
        return self.slices * self.steps * self.channels

    @property
    def volumetric(self) -> bool:
        """True if input and output are (n, channels, z, y, x) instead of (n, images, y, x)."""
        return self.dimensions == 3


def complete(options: Network, channels: int = 1) -> Spec:
    """Fill in the defaults of a network; with several channels it sees one slice by default.

    Raises
    ------
    UserError
        If a key has a value that is not valid for this network.
    """
    name = options.name
    network = NETWORKS[name]
    defaults = network.defaults
    if channels > 1 or options.dimensions == 3:
        defaults["slices"] = 1
    spec = from_json({**defaults, **options.as_json(), "channels": channels})
    if spec.dilations and not network.dilations:
        dilated = " and ".join(other for other, record in NETWORKS.items() if record.dilations)
        raise UserError(f"config: network.dilations: only {dilated} has dilations, not {name}: leave them out")
    if spec.dimensions not in network.dimensions:
        known = " or ".join(map(str, network.dimensions))
        raise UserError(f"config: network.dimensions: {name} has {known}: leave the key out")
    if spec.volumetric and spec.slices != 1:
        raise UserError(
            f"config: network.slices: a volumetric network sees cubes, not {spec.slices} slices: leave it out"
        )
    if spec.depth > network.deepest:
        raise UserError(f"config: network.depth: {name} has {network.deepest} at most, not {spec.depth}: set it lower")
    return spec


def from_json(values: Mapping[str, Any]) -> Spec:
    """Return the spec from the result of `dataclasses.asdict`, which may hold lists for tuples."""
    return Spec(**{**values, "dilations": tuple(values.get("dilations", ()))})
