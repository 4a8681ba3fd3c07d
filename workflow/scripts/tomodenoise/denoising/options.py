"""The section `denoise` of the configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tomodenoise.common.options import OneOf, Options


class Denoise(Options):
    """From the sections to the clean volume."""

    input: Literal["full", "sections", "section"] = Field(
        "full",
        description="Input of the network. `full` is the reconstruction of all projections. `sections` averages the"
        " results for the inputs of training, at K times the cost. `section` takes only the first of these inputs;"
        " with `split: {sections: 2, input: 1}` this is every other projection, for a model trained on scans of half"
        " the dose.",
    )
    ensemble: Annotated[int, OneOf((1, 8))] = Field(
        1,
        description="8 averages over the flips and quarter turns of slices, which takes eight times as long and gains"
        " about 0.2 dB.",
    )
    uncertainty: bool = Field(
        False,
        strict=True,
        description="Also write `uncertainty.ome.zarr`, a standard deviation for each voxel, from the spread of the"
        " results for all sections but one, calibrated on slices that no training used. It takes K times as long as"
        " denoising, and needs three or more sections of angles.",
    )

    @property
    def applied(self) -> dict[str, Any]:
        """What shapes the denoised volume, as plain values."""
        return {key: value for key, value in self.as_json().items() if key != "uncertainty"}
