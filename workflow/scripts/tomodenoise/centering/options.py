"""Keys of a scan in the configuration about its rotation axis."""

from typing import Annotated, Literal

from pydantic import Field

from tomodenoise.common.options import Number, Options


class Axis(Options):
    """The rotation axis, and the field of view that follows from it."""

    center: Literal["auto"] | Annotated[float, Number(ge=0)] = Field(
        "auto",
        description="Column of the rotation axis, in pixels from the centre of the leftmost pixel; `auto` finds it.",
    )
    tilt: Literal["auto"] | Annotated[float, Number()] = Field(
        0,
        description="Columns by which the rotation axis moves from each row to the next row below; `center` then"
        " refers to the middle row. `auto` measures it; with 0 you get a warning if the axis is tilted.",
    )
    field: Literal["auto", "full", "extended"] = Field(
        "auto",
        description="Field of view of a 360-degree scan. `full` is the disc that each view sees. `extended` is the"
        " wider disc that opposite views see together when the axis is near an edge of the detector (half"
        " acquisition). `auto` chooses `extended` if the axis lies outside the middle third.",
    )
