"""The section `shelf` of the configuration."""

from typing import Annotated

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Text


class Shelf(Options):
    """Models of earlier trainings: where they are filed, and when one of them is good enough for other scans."""

    to: Optional[Text] = Field(
        None,
        description="Folder in which the target `shelve` files the models that were trained here, each with its card."
        " Relative to the working directory.",
    )
    default: Optional[Text] = Field(
        None,
        description="Shelf of every model that `models` lacks, so that scans need not name one. Relative to the working"
        " directory.",
    )
    factor: Annotated[float, Number(ge=1)] = Field(
        2.5,
        description="Largest factor between the conditions of a model and of the scan, for each of pixel size, energy,"
        " noise and angles per column. A model that is further away is not tried.",
    )
    use: Annotated[float, Number(ge=0)] = Field(
        0.5,
        description="Decibels by which a model may fall short of its figure on its own scans, on held-out slices"
        " of the new one, to be used as it is.",
    )
    tune: Annotated[float, Number(ge=0)] = Field(
        6.0, description="Decibels by which it may fall short to be fine-tuned. With more, a model is trained."
    )
    least: Annotated[float, Number()] = Field(
        0.0,
        description="Decibels by which the error of a model on the new scan has to be below that of the best Gaussian"
        " blur. One that does worse is of no use there, and a model is trained.",
    )
    slope: Annotated[float, Number(ge=0)] = Field(
        0.05, description="Largest distance of the slope of its calibration from 1 to be used as it is."
    )
    share: Annotated[float, Number(gt=0, le=1)] = Field(
        0.1, description="Share of the budget of `train` that fine-tuning has."
    )
