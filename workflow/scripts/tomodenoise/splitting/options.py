"""Keys of the configuration that say how projections become sections."""

from typing import Annotated, Literal

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Range, Whole
from tomodenoise.scans.options import RawScan


class Split(Options):
    """The section `split`."""

    sections: Literal["auto"] | Annotated[int, Whole(ge=2)] = Field(
        "auto",
        description="Number of sections K. `auto` takes 3 for `mode: xrdct`; else 4, or 2 if the scan has fewer than"
        " 1.5 projections per column: sections of too few angles teach the network their streaks.",
    )
    input: Literal["auto", "mixed"] | Annotated[int, Whole(ge=1)] = Field(
        "auto",
        description="How many sections form the input of a training pair; the others form its target. `mixed`"
        " takes all but one and half of them in turns, so that the network learns two levels of noise. `auto` is"
        " `mixed` for four sections or more; all but one for fewer, for `mode: xrdct` and for iterative algorithms,"
        " which would have to reconstruct more combinations of sections.",
    )


class Steps(Options):
    """Time steps of a dynamic scan."""

    projections: Optional[Annotated[float, Number(ge=1)]] = Field(
        None,
        description="Number of projections in a step, if one file runs on from step to step and does not number them in"
        " `/exchange/time_step`. It need not be whole: 299.92 for a rotation that drifts. A step may be half a turn or"
        " a whole one.",
    )
    train: Optional[Range] = Field(
        None,
        description="Steps to train on, [start, stop), best those before anything moves. Default: the first fifth, at"
        " least 12 of them; all with `split: angle`.",
    )
    group: Literal["auto"] | Annotated[int, Whole(ge=2)] = Field(
        "auto",
        description="Consecutive steps that train together: each predicts the mean of the others, which see the sample"
        " from more directions if steps interlace. `auto` takes the smallest group whose angles cover the circle"
        " evenly, with at least 1.5 directions per column for its targets if there are so many.",
    )
    split: Literal["time", "angle"] = Field(
        "time",
        description="`time` makes each step a section. `angle` splits each step by angle like a static scan, by"
        " `split.sections` and `split.input`; all steps of the window train together. For steps of many projections,"
        " or if nothing ever rests.",
    )
    seconds: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="From one step to the next, for the scale of the time axis. Default: from the times of the"
        " projections in `/exchange/time`, else steps are counted.",
    )


class SteppedScan(RawScan):
    """Raw files, and the time steps in them."""

    steps: Optional[Steps] = Field(None, description="Time steps of a dynamic scan; no other scan has this key.")
