"""The section `reconstruct` of the configuration."""

from typing import Annotated

from pydantic import Field

from tomodenoise.common.options import Number, OneOf, Optional, Options, Whole
from tomodenoise.reconstruction.engines import registry
from tomodenoise.reconstruction.engines.filters import FILTERS

ALGORITHMS = tuple(dict.fromkeys(name for engine in registry.ENGINES for name in registry.algorithms(engine)))


class Reconstruct(Options):
    """From sinograms to slices."""

    engine: Annotated[str, OneOf(registry.ENGINES)] = Field(
        "torch",
        description="What reconstructs. `torch` is built in, on processors and graphics cards. `tomopy` is on"
        " conda-forge alone: `--sdm conda`. `astra` is ASTRA, on CUDA if available: `pip install astra-toolbox`.",
    )
    algorithm: Optional[Annotated[str, OneOf(ALGORITHMS)]] = Field(
        None,
        description="`torch`: fbp, sirt, tv. `tomopy`: gridrec, fbp, sirt, mlem, tv. `astra`: fbp, sirt. Default: the"
        " engine's first. With fbp and gridrec each projection is reconstructed once; the others are slower by far,"
        " and use `iterations` instead of `filter` and `pad`.",
    )
    filter: Annotated[str, OneOf(FILTERS)] = Field(
        "ram-lak",
        description="Window on the ramp filter, the same with every engine; `none` leaves out the ramp as well.",
    )
    pad: Annotated[str, OneOf(registry.PADS)] = Field(
        "edge",
        description="How a projection continues beyond the detector: with zeros, or with the value at its edge, which"
        " suits objects that are wider than the detector.",
    )
    iterations: Optional[Annotated[int, Whole(ge=1)]] = Field(
        None, description="For sirt, mlem and tv, a fixed number. Default: 100."
    )
    regularisation: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="For tv, which needs it: the weight λ in ½|Ax - b|² + λ TV(x), with x in attenuation per pixel. It"
        " grows with the number of projections and with their noise.",
    )
    bits: Optional[Annotated[int, OneOf((16, 32))]] = Field(
        None,
        description="Bits for a voxel of the sections on disk. 16 rounds to 11 significant bits and compresses: about"
        " half the size, and more time to write. Default: 32.",
    )

    @property
    def capabilities(self) -> registry.Capabilities:
        """Properties of the algorithm, by default the engine's first; UserError if the engine lacks it."""
        return registry.capabilities(self.engine, self.algorithm)
