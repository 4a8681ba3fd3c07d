"""The section `train` of the configuration."""

from typing import Annotated, Literal

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Whole

BUDGET = ("pixels", "evaluations", "iterations", "minutes", "patience")
"""Keys that end a training, whichever comes first. A finished one continues if a later budget allows more."""


class Train(Options):
    """Training of a model: its budget, its steps, and how it is judged."""

    pixels: Annotated[float, Number(ge=1)] = Field(
        1.0e8, description="Budget: number of pixels that the network is trained on, repeats included."
    )
    iterations: Optional[Annotated[int, Whole(ge=1)]] = Field(None, description="Maximum number of steps.")
    minutes: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="Maximum number of minutes. The learning rate is scheduled to end in time, so the result depends"
        " on the machine.",
    )
    patience: Optional[Annotated[int, Whole(ge=1)]] = Field(
        None, description="Training stops after this many evaluations in a row without a better model."
    )
    batch: Annotated[int, Whole(ge=1)] = Field(
        2,
        description="Patches per step, over all processes. Small batches make more steps of the same number of pixels,"
        " which suits a CPU; 32 or more keep a GPU busy.",
    )
    patch: Annotated[int, Whole(ge=16)] = Field(
        64, description="Edge of a patch, in pixels; for a volumetric network, of a cube."
    )
    optimizer: Literal["auto", "adam", "muon"] = Field(
        "auto",
        description="`muon` orthogonalises the updates of convolution weights, and leaves biases and the network `msd`"
        " to Adam. `auto` takes it for scans of one channel, where it gains about a decibel, and `adam` for several"
        " channels, where Muon is worse at low counts.",
    )
    learning_rate: Literal["auto"] | Annotated[float, Number(gt=0)] = Field(
        "auto",
        description="Peak of the one-cycle schedule. `auto` takes 0.003 with `muon`, or 0.005 if a step has at least 8"
        " patches of 96 pixels; 0.0015 with `adam` and for `msd`.",
    )
    reproject: Literal["auto"] | Annotated[int, Whole(ge=0)] = Field(
        "auto",
        description="Number of training rounds, within the budget, on rotated copies of the model's own output that"
        " are projected and reconstructed like the scan. Removes streaks caused by few angles and missing wedges; see"
        " [Few angles](few_angles.md). For static scans, filtered backprojection and networks of slices. `auto` takes"
        " two rounds for one channel and fewer than 0.6 projections per column, otherwise none.",
    )
    mask: Literal["field_of_view", "sample"] = Field(
        "field_of_view",
        description="Where the loss is computed. `sample` leaves out the air around the sample, found by its grey"
        " values.",
    )
    held_out: Annotated[float, Number(gt=0, le=0.5)] = Field(
        0.1, description="Fraction of the slices that is not trained on, to judge the model."
    )
    evaluations: Annotated[int, Whole(ge=1)] = Field(
        20, description="Number of times that the model is judged during training; the best one is kept."
    )
    memory: Annotated[float, Number(gt=0)] = Field(
        4,
        description="Gigabytes of section slices held in memory at a time, in 16 bits. Larger data are loaded in turn."
        " A GPU holds as much as fits into half of its memory.",
    )
    seed: Annotated[int, Whole(ge=0)] = Field(0, description="Seed of the initial weights and of the sampling.")
