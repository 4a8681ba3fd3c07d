"""The section `train` of the configuration."""

from typing import Annotated, Literal

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Whole

BUDGET = ("pixels", "evaluations", "iterations", "minutes", "patience")
"""Keys that end a training, whichever comes first. A finished one continues if a later budget allows more."""


class Train(Options):
    """Training of a model: its budget, its steps, and how it is judged."""

    pixels: Annotated[float, Number(ge=1)] = Field(1.0e8, description="Budget, in pixels that the network is shown.")
    iterations: Optional[Annotated[int, Whole(ge=1)]] = Field(None, description="Steps at most.")
    minutes: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="Minutes of training at most. The learning rate falls in time for the end, so the result depends on"
        " the machine.",
    )
    patience: Optional[Annotated[int, Whole(ge=1)]] = Field(
        None, description="Evaluations in a row without a better model after which training ends."
    )
    batch: Annotated[int, Whole(ge=1)] = Field(
        2,
        description="Patches per step, over all processes. Small batches make many steps of the same pixels, which"
        " suits a processor; 32 and more keep a graphics card busy.",
    )
    patch: Annotated[int, Whole(ge=16)] = Field(
        64, description="Edge of a patch, in pixels; of a cube for a volumetric network."
    )
    optimizer: Literal["auto", "adam", "muon"] = Field(
        "auto",
        description="`muon` makes orthogonal steps of the weights of convolutions, and leaves biases and the network"
        " `msd` to Adam. `auto` takes it for scans of one channel, where it gains about a decibel, and `adam` for"
        " several channels, where it loses at few counts.",
    )
    learning_rate: Literal["auto"] | Annotated[float, Number(gt=0)] = Field(
        "auto",
        description="Peak of the one-cycle schedule. `auto` takes 0.003 with `muon`, or 0.005 for steps of 8 patches of"
        " 96 pixels and more; 0.0015 with `adam` and for `msd`.",
    )
    reproject: Literal["auto"] | Annotated[int, Whole(ge=0)] = Field(
        "auto",
        description="Rounds, within the budget, on rotated copies of the model's own output that are projected and"
        " reconstructed as the scan was. Removes streaks of few angles and missing wedges, see"
        " [Few angles](few_angles.md). For static scans, filtered backprojection and networks of slices. `auto` takes"
        " two rounds for one channel and fewer than 0.6 projections per column, else none.",
    )
    mask: Literal["field_of_view", "sample"] = Field(
        "field_of_view",
        description="Where the loss counts. `sample` leaves out the air around the sample, found by its grey values.",
    )
    held_out: Annotated[float, Number(gt=0, le=0.5)] = Field(
        0.1, description="Fraction of the slices that is kept from training, to judge the model by."
    )
    evaluations: Annotated[int, Whole(ge=1)] = Field(
        20, description="How often the model is judged; the best one is kept."
    )
    memory: Annotated[float, Number(gt=0)] = Field(
        4,
        description="Gigabytes of section slices held in memory at a time, in 16 bits. Larger data take turns. A"
        " graphics card holds what half of its memory takes.",
    )
    seed: Annotated[int, Whole(ge=0)] = Field(0, description="Seed of the initial weights and of the sampling.")
