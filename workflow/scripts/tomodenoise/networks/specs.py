"""What a network is, in numbers: enough to build it, to cut its input and to plan its jobs. No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from tomodenoise.common.errors import UserError


@dataclass(frozen=True)
class Spec:
    """What it takes to build a network again."""

    name: str
    slices: int
    """Adjacent slices in, the middle one out; odd. A volumetric network sees cubes, and 1 stands here."""
    width: int
    """Channels at full resolution, or of each layer of `msd`."""
    depth: int
    """Number of resolutions, or of layers of `msd`."""
    dimensions: int
    """Of the convolutions: 2, or 3 for a volumetric network."""
    dilations: tuple[int, ...] = ()
    """Of the layers of `msd`, in turns; no other network has them."""
    channels: int = 1
    """Measured channels, in and out."""
    steps: int = 1
    """Consecutive time steps in, the middle one out; odd."""

    @property
    def inputs(self) -> int:
        """Number of images in: for each slice its time steps, for each of them its channels."""
        return self.slices * self.steps * self.channels

    @property
    def volumetric(self) -> bool:
        """Tell whether input and output are (n, channels, z, y, x) instead of (n, images, y, x)."""
        return self.dimensions == 3


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "unet": {"slices": 5, "width": 16, "depth": 4, "dimensions": 2},
    "msd": {"slices": 5, "width": 1, "depth": 100, "dimensions": 2, "dilations": tuple(range(1, 11))},
    "unet_noskip": {"slices": 5, "width": 64, "depth": 4, "dimensions": 2},
    "unet3d": {"slices": 1, "width": 16, "depth": 3, "dimensions": 3},
}
"""What stands for a key that the configuration leaves out, for each network."""

DEEPEST = {"unet": 6, "msd": 1000, "unet_noskip": 6, "unet3d": 5}


def complete(settings: Mapping[str, Any], channels: int = 1) -> Spec:
    """Fill in what is absent from the `network` section of the configuration.

    With several channels a network sees one slice unless told otherwise.

    Raises
    ------
    UserError
        If a key has a value that this network cannot have.
    """
    name = settings["name"]
    defaults = dict(DEFAULTS[name])
    if channels > 1 or settings.get("dimensions") == 3:
        defaults["slices"] = 1
    spec = from_json({**defaults, **settings, "channels": channels})
    if spec.dilations and name != "msd":
        raise UserError(f"config: network.dilations: only msd has dilations, not {name}: leave them out")
    if not spec.dilations and name == "msd":
        raise UserError("config: network.dilations is empty: name at least one, as in [1, 2, 3]")
    if name != "msd" and spec.dimensions != DEFAULTS[name]["dimensions"]:
        raise UserError(f"config: network.dimensions: {name} has {DEFAULTS[name]['dimensions']}: leave the key out")
    if spec.volumetric and spec.slices != 1:
        raise UserError(
            f"config: network.slices: a volumetric network sees cubes, not {spec.slices} slices: leave it out"
        )
    if spec.depth > DEEPEST[name]:
        raise UserError(f"config: network.depth: {spec.depth} is more than the {DEEPEST[name]} of {name}: set it lower")
    return spec


def from_json(values: Mapping[str, Any]) -> Spec:
    """Read what `dataclasses.asdict` gives, with lists for tuples."""
    return Spec(**{**values, "dilations": tuple(values.get("dilations", ()))})


def multiple(spec: Spec) -> int:
    """Give the grid, in pixels, that the network pools on: sizes and tile origins are multiples of it."""
    return 1 if spec.name == "msd" else int(2 ** (spec.depth - 1))


def reach(spec: Spec) -> int | None:
    """Give the distance in pixels beyond which an input cannot change an output: the halo of exact tiles.

    None where an output depends on the whole image, as with group normalisation. For a U-Net each convolution looks
    one pixel of its resolution far; two stand at each resolution on the way down and, but for the coarsest, on the
    way up; pooling and its inverse shift by less than a coarsest pixel. For `msd` dilations add up over the layers.
    """
    if spec.name == "unet_noskip":
        return None
    if spec.name == "msd":
        return sum(islice(cycle(spec.dilations), spec.depth))
    coarsest = multiple(spec)
    return 2 * (2 * coarsest - 1) + 2 * (coarsest - 1) + coarsest


def continues_itself(spec: Spec) -> bool:
    """Tell whether the network itself continues an image beyond its border, so that tiles must end there."""
    return spec.name == "msd"
