"""The section `shelf` of the configuration."""

from typing import Annotated

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Text


class Shelf(Options):
    """Models of earlier trainings: where they are stored, and when one of them is good enough for other scans."""

    to: Optional[Text] = Field(
        None,
        description="Folder in which the target `shelve` stores the models that were trained here, each with a model"
        " card. Relative to the working directory.",
    )
    default: Optional[Text] = Field(
        None,
        description="Shelf of every model that is not listed under `models`, so that scans need not name one. Relative"
        " to the working directory.",
    )
    factor: Annotated[float, Number(ge=1)] = Field(
        2.5,
        description="Largest factor between the conditions of a model and of the scan, for pixel size, energy, noise"
        " and angles per column. A model that differs more is not tried.",
    )
    use: Annotated[float, Number(ge=0)] = Field(
        0.5,
        description="A model is used as it is if, on held-out slices of the new scan, it falls short of the figure on"
        " its own scans by at most this many decibels.",
    )
    tune: Annotated[float, Number(ge=0)] = Field(
        6.0,
        description="It is fine-tuned if it falls short by at most this many decibels. If it falls short by more,"
        " a model is trained.",
    )
    least: Annotated[float, Number()] = Field(
        0.0,
        description="Decibels by which the error of a model on the new scan must be below that of the best Gaussian"
        " blur. Otherwise a model is trained.",
    )
    slope: Annotated[float, Number(ge=0)] = Field(
        0.05,
        description="A model is used as it is only if the slope of its calibration differs from 1 by at most this.",
    )
    share: Annotated[float, Number(gt=0, le=1)] = Field(
        0.1, description="Share of the budget of `train` for fine-tuning."
    )
