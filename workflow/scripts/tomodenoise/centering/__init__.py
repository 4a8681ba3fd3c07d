"""The centre of rotation: found from the projections, overruled by a person, drawn to be judged."""

from tomodenoise.centering.circle import covers_circle, opposite
from tomodenoise.centering.estimators import Estimate, moments
from tomodenoise.centering.finding import Center, find, overrule
from tomodenoise.centering.picture import figure

__all__ = ["Center", "Estimate", "figure", "covers_circle", "find", "moments", "opposite", "overrule"]
