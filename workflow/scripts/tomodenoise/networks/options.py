"""The section `network` of the configuration."""

import json
from typing import Annotated

from pydantic import Field

from tomodenoise.common.options import Odd, OneOf, Optional, Options, Some, Whole
from tomodenoise.networks.registry import NETWORKS


def _with_defaults(text: str, key: str) -> str:
    """Append the default of each network that takes a key to its description."""
    defaults = {name: network.defaults[key] for name, network in NETWORKS.items() if network.takes(key)}
    return f"{text} Default: {', '.join(f'`{name}` {json.dumps(value)}' for name, value in defaults.items())}."


class Network(Options):
    """The network; keys that are absent have defaults of each network, see `specs.complete`."""

    name: Annotated[str, OneOf(NETWORKS)] = Field(
        "unet",
        description="`unet` is a U-Net with skip connections and without normalisation layers, which subtracts its"
        " correction from the middle slice; `unet3d` is the same in three dimensions, on cubes. `msd` is the"
        " mixed-scale dense network of Pelt and Sethian.",
    )
    slices: Optional[Odd] = Field(
        None,
        description=_with_defaults(
            "Number of adjacent slices that the network sees to denoise the middle one; odd. Volumetric networks do"
            " not have this key. With several channels the default is 1.",
            "slices",
        ),
    )
    steps: Optional[Odd] = Field(
        None,
        description="Number of consecutive time steps that the network sees to denoise the middle one; odd. For"
        " dynamic scans that are split by time. Off by default, because it mixes time steps: noise goes down where"
        " nothing moves, but in a simulation a feature present in one step only lost 63 % of its contrast and appeared"
        " in the neighbouring steps. Input steps cannot be targets, so `steps.group` must be larger. At both ends of"
        " the series the outermost step is repeated. Default: 1.",
    )
    width: Optional[Annotated[int, Whole(ge=1)]] = Field(
        None,
        description=_with_defaults(
            "Channels at full resolution; the next level has twice and all lower ones four times as many. For `msd`,"
            " channels of each layer.",
            "width",
        ),
    )
    depth: Optional[Annotated[int, Whole(ge=1)]] = Field(
        None,
        description=_with_defaults("Number of resolution levels; for `msd`, of layers.", "depth"),
    )
    dilations: Optional[Some[Annotated[int, Whole(ge=1)]]] = Field(
        None,
        description=_with_defaults("Dilations of the layers of `msd`, in pixels, used in turn.", "dilations"),
    )
    dimensions: Optional[Annotated[int, OneOf((2, 3))]] = Field(
        None,
        description=_with_defaults("Dimensions of the convolutions of `msd`; 3 makes it volumetric.", "dimensions"),
    )
