"""The centre of rotation: found from the projections, overruled by a person, drawn to be judged."""

from tomodenoise.centering.circle import covers_circle, opposite
from tomodenoise.centering.estimators import Estimate
from tomodenoise.centering.finding import (
    Center,
    center_at,
    find,
    is_extended,
    is_half_acquisition,
    lean,
    overrule,
    settle,
)
from tomodenoise.centering.picture import figure

__all__ = [
    "Center",
    "Estimate",
    "center_at",
    "covers_circle",
    "figure",
    "find",
    "is_extended",
    "is_half_acquisition",
    "lean",
    "opposite",
    "overrule",
    "settle",
]
