"""The section `denoise` of the configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tomodenoise.common.options import OneOf, Options


class Denoise(Options):
    """From the sections to the clean volume."""

    input: Literal["full", "sections", "section"] = Field(
        "full",
        description="What the network is applied to. `full` is the reconstruction of all projections; `sections`"
        " averages over the inputs of training, at K times the cost; `section` takes the first of these inputs alone,"
        " which with `split: {sections: 2, input: 1}` is every other projection, fit for a model that learned from"
        " scans of half the dose.",
    )
    ensemble: Annotated[int, OneOf((1, 8))] = Field(
        1,
        description="8 averages over the flips and quarter turns of slices, at eight times the cost, for about 0.2 dB.",
    )
    uncertainty: bool = Field(
        False,
        strict=True,
        description="Also write `uncertainty.ome.zarr`, a standard deviation for each voxel: the deviation between the"
        " results for all sections but one, calibrated on slices that no training used. It takes K times the time of"
        " denoising, and three sections of angles or more.",
    )

    @property
    def applied(self) -> dict[str, Any]:
        """What shapes the denoised volume, as plain values."""
        return {key: value for key, value in self.as_json().items() if key != "uncertainty"}
