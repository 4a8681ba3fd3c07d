"""Keys of the configuration that say how projections become sections."""

from typing import Annotated, Literal

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Range, Whole
from tomodenoise.scans.options import RawScan


class Split(Options):
    """The section `split`."""

    sections: Literal["auto"] | Annotated[int, Whole(ge=2)] = Field(
        "auto",
        description="Number of sections K. `auto` takes 3 for `mode: xrdct`; otherwise 4, or 2 if the scan has fewer"
        " than 1.5 projections per column, because sections of too few angles teach the network their streaks.",
    )
    input: Literal["auto", "mixed"] | Annotated[int, Whole(ge=1)] = Field(
        "auto",
        description="Number of sections that form the input of a training pair; the others form its target. `mixed`"
        " alternates between all but one and half of them, so that the network learns two noise levels. `auto` is"
        " `mixed` for four or more sections; otherwise all but one. It is also all but one for `mode: xrdct` and for"
        " iterative algorithms, where `mixed` would need more reconstructions.",
    )


class Steps(Options):
    """Time steps of a dynamic scan."""

    projections: Optional[Annotated[float, Number(ge=1)]] = Field(
        None,
        description="Number of projections per step, if one file holds a continuous series and does not number the"
        " steps in `/exchange/time_step`. It need not be whole: 299.92 for a rotation that drifts. A step may be half"
        " a turn or a whole turn.",
    )
    train: Optional[Range] = Field(
        None,
        description="Steps to train on, [start, stop), preferably before anything moves. Default: the first fifth, but"
        " at least 12; with `split: angle`, all.",
    )
    group: Literal["auto"] | Annotated[int, Whole(ge=2)] = Field(
        "auto",
        description="Number of consecutive steps that train together: each predicts the mean of the others, which see"
        " the sample from more directions if steps interlace. `auto` takes the smallest group whose angles cover the"
        " circle evenly, with at least 1.5 directions per column for its targets if possible.",
    )
    split: Literal["time", "angle"] = Field(
        "time",
        description="`time` makes each step a section. `angle` splits each step by angle like a static scan, with"
        " `split.sections` and `split.input`; all steps of the window train together. Use `angle` for steps of many"
        " projections, or if the sample never rests.",
    )
    seconds: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="Seconds from one step to the next, for the scale of the time axis. Default: from the times of the"
        " projections in `/exchange/time`; without them, steps are counted.",
    )


class SteppedScan(RawScan):
    """Raw files, and the time steps in them."""

    steps: Optional[Steps] = Field(None, description="Time steps of a dynamic scan; no other scan has this key.")
