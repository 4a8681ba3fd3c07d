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
        description="Software that reconstructs. `torch` is built in and runs on CPUs and GPUs. `tomopy` is only on"
        " conda-forge: run with `--sdm conda`. `astra` is ASTRA, on CUDA if available: `pip install astra-toolbox`.",
    )
    algorithm: Optional[Annotated[str, OneOf(ALGORITHMS)]] = Field(
        None,
        description="`torch`: fbp, sirt, tv. `tomopy`: gridrec, fbp, sirt, mlem, tv. `astra`: fbp, sirt. Default: the"
        " first of the engine. fbp and gridrec reconstruct each projection once; the others are much slower, and use"
        " `iterations` instead of `filter` and `pad`.",
    )
    filter: Annotated[str, OneOf(FILTERS)] = Field(
        "ram-lak",
        description="Window of the ramp filter, the same with every engine; `none` leaves out the ramp as well.",
    )
    pad: Annotated[str, OneOf(registry.PADS)] = Field(
        "edge",
        description="How a projection continues beyond the detector: with zeros, or with the value at its edge, which"
        " suits objects that are wider than the detector.",
    )
    iterations: Optional[Annotated[int, Whole(ge=1)]] = Field(
        None, description="Number of iterations of sirt, mlem and tv. Default: 100."
    )
    regularisation: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="Required by tv: the weight λ in ½|Ax - b|² + λ TV(x), with x in attenuation per pixel. A suitable"
        " value grows with the number of projections and with their noise.",
    )
    bits: Optional[Annotated[int, OneOf((16, 32))]] = Field(
        None,
        description="Bits per voxel of the sections on disk. 16 rounds to 11 significant bits and compresses: about"
        " half the size, but slower to write. Default: 32.",
    )

    @property
    def capabilities(self) -> registry.Capabilities:
        """Properties of the algorithm, by default the engine's first; UserError if the engine lacks it."""
        return registry.capabilities(self.engine, self.algorithm)
